"""`NamedTuple` for what the client imports: typing's costs a third of the client's start, this one next to nothing.

A checker sees typing's own. Differences at run time: annotations are taken as they stand (no strings to evaluate), and
there is no `_make`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - told to the checker as an export
else:

    class NamedTuple(tuple):
        """A tuple whose places have names, declared as annotations of a subclass."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012 - replaced, never changed

        def __init_subclass__(cls):
            """Turn the annotations of a subclass into fields. A subclass of that one adds methods only."""
            fields = cls.__annotations__ if cls.__base__ is NamedTuple else {}
            if not fields:
                return
            cls._fields = tuple(fields)
            cls._field_defaults = {name: vars(cls)[name] for name in fields if name in vars(cls)}
            for place, name in enumerate(fields):
                setattr(cls, name, property(lambda self, place=place: self[place]))

        def __new__(cls, *values, **named):
            """Make one from values by place and by name. TypeError if any is missing or too many."""
            if named or len(values) != len(cls._fields):
                values = _complete(cls, values, named)
            return tuple.__new__(cls, values)

        def __repr__(self):
            """Write it as it is made."""
            parts = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({', '.join(parts)})"

        def __getnewargs__(self):
            """Let copy and pickle make it again."""
            return tuple(self)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **named):
            return type(self)(**{**self._asdict(), **named})

    def _complete(cls, values, named):
        if tuple(named) == cls._fields and not values:
            return tuple(named.values())
        given = {**dict(zip(cls._fields, values, strict=False)), **named}
        missing = [name for name in cls._fields if name not in given and name not in cls._field_defaults]
        if missing or len(given) != len(values) + len(named) or not given.keys() <= set(cls._fields):
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
        return tuple(given.get(name, cls._field_defaults.get(name)) for name in cls._fields)

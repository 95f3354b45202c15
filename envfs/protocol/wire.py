"""Typed messages on the wire: a NamedTuple class is a message, its annotations are its grammar.

Law: strict both ways. A field missing, unknown or of another type is a BadRequest. Nothing is converted. A field of a
`StrEnum` is its text on the wire, and a text that is no member is a BadRequest.
"""

from envfs.errors import BadRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import GenericAlias, UnionType

    from envfs.protocol.framing import Body
    from envfs.tuples import NamedTuple
else:  # without the module, which would cost the client a hundredth of its start
    GenericAlias, UnionType = type(tuple[int]), type(int | str)

_SCALARS = (str, int, bool, float, type(None))


def name_of(kind: type) -> str:
    """Return the wire name of a message class: `SetVariable` is `set-variable`."""
    return "".join(f"-{c.lower()}" if c.isupper() and n else c.lower() for n, c in enumerate(kind.__name__))


def message_table(*kinds: type) -> dict[str, type]:
    """Index message classes by wire name."""
    return {name_of(kind): kind for kind in kinds}


def to_body(message: "NamedTuple") -> "Body":
    """Return the JSON object of a message, its wire name under `type`."""
    return {"type": name_of(type(message)), **fields_of(message)}


def fields_of(message: "NamedTuple") -> "Body":
    """Return the fields of a message as JSON values. Nested messages become objects."""
    return {name: _plain_value(value) for name, value in message._asdict().items()}


def _plain_value(value: object) -> object:
    if isinstance(value, tuple):
        return fields_of(value) if hasattr(value, "_asdict") else [_plain_value(item) for item in value]  # type: ignore[arg-type]
    return value


def from_body(body: "Body", kinds: dict[str, type]) -> object:
    """Build the message that a JSON object states.

    Raises:
        BadRequest: an unknown type, or fields that do not fit the class
    """
    fields = dict(body)
    kind = kinds.get(str(fields.pop("type", "")))
    if kind is None:
        raise BadRequest("an unknown kind of message")
    return _build(kind, fields)


def _build(kind: type, fields: "Body") -> object:
    hints: Body = kind.__annotations__
    defaults: Body = getattr(kind, "_field_defaults", {})
    if not fields.keys() <= hints.keys() or not hints.keys() - defaults.keys() <= fields.keys():
        raise BadRequest(f"the fields of {name_of(kind)} do not fit")
    return kind(**{name: _value(hints[name], value) for name, value in fields.items()})


def _value(wanted: object, value: object) -> object:
    if wanted in _SCALARS:
        if type(value) is wanted:
            return value
    elif isinstance(wanted, GenericAlias) and isinstance(value, list):
        return tuple(_value(wanted.__args__[0], item) for item in value)  # the only generic in use: tuple[X, ...]
    elif isinstance(wanted, UnionType):
        return _first_fit(wanted.__args__, value)
    elif isinstance(wanted, type) and issubclass(wanted, str):
        return _member(wanted, value)
    elif isinstance(wanted, type) and hasattr(wanted, "_fields") and isinstance(value, dict):
        return _build(wanted, value)
    raise BadRequest("a field has another type than it should")


def _member(words: type[str], value: object) -> str:
    # of an enum, which is not imported here: the client would wait for it
    if type(value) is str:
        try:
            return words(value)
        except ValueError:
            pass
    raise BadRequest("a field has another value than it can have")


def _first_fit(kinds: tuple[object, ...], value: object) -> object:
    for kind in kinds:
        try:
            return _value(kind, value)
        except BadRequest:
            continue
    raise BadRequest("a field has another type than it should")

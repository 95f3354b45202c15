"""The light NamedTuple does what typing's does."""

import copy
import pickle
import typing

import pytest

from envfs.tuples import NamedTuple


class Light(NamedTuple):
    """Three places, two with defaults."""

    name: str
    size: int = 0
    parts: tuple[str, ...] = ()


class Typed(typing.NamedTuple):
    """The same, made by typing."""

    name: str
    size: int = 0
    parts: tuple[str, ...] = ()


class Methodical(Light):
    """Adds a method, and no place."""

    __slots__ = ()

    def double(self) -> int:
        return self.size * 2


class Empty(NamedTuple):
    """Nothing at all."""


VALID = [
    (("a",), {}),
    (("a", 1), {}),
    (("a", 1, ("x",)), {}),
    ((), {"name": "a"}),
    (("a",), {"parts": ("x",)}),
    ((), {"parts": ("x",), "name": "a", "size": 3}),
]
INVALID: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((), {}),
    ((), {"size": 1}),
    (("a", 1, (), 4), {}),
    (("a",), {"name": "b"}),
    (("a",), {"colour": 1}),
    (("a", 1, ()), {"size": 1}),
    (("a", 1, (), 4), {"name": "b"}),
]


@pytest.mark.parametrize(("values", "named"), VALID)
def test_it_is_made_as_typings_is(values: tuple[typing.Any, ...], named: dict[str, typing.Any]) -> None:
    light, typed = Light(*values, **named), Typed(*values, **named)
    assert tuple(light) == tuple(typed)
    assert (light.name, light.size, light.parts) == tuple(typed)
    assert light._asdict() == typed._asdict()
    assert repr(light) == repr(typed).replace("Typed", "Light")
    assert hash(light) == hash(typed)


@pytest.mark.parametrize("kind", [Light, Typed])
@pytest.mark.parametrize(("values", "named"), INVALID)
def test_it_refuses_what_typings_refuses(kind: type, values: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        kind(*values, **named)


def test_it_tells_its_fields_and_defaults() -> None:
    assert (Light._fields, Light._field_defaults) == (Typed._fields, Typed._field_defaults)
    assert Empty() == ()
    assert Empty._fields == ()


def test_it_cannot_be_changed() -> None:
    light = Light("a")
    with pytest.raises(AttributeError):
        light.name = "b"  # type: ignore[misc]
    assert light._replace(name="b") == Light("b")
    with pytest.raises(TypeError):
        light._replace(colour="b")


def test_a_subclass_may_add_methods_and_keeps_the_fields() -> None:
    found = Methodical("a", 2)
    assert found.double() == 4
    assert (found.name, found._fields) == ("a", Light._fields)
    assert found._replace(size=5).double() == 10
    assert repr(found) == "Methodical(name='a', size=2, parts=())"


def test_it_is_copied_and_pickled_as_what_it_is() -> None:
    light = Light("a", 1, ("x",))
    for again in (copy.copy(light), copy.deepcopy(light), pickle.loads(pickle.dumps(light))):  # noqa: S301 - our own
        assert again == light
        assert type(again) is Light

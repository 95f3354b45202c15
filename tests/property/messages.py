"""Strategies for every message, made from its annotations; shared by the laws and the fuzz tests."""

from enum import Enum
from types import GenericAlias, UnionType

from hypothesis import strategies as st

from envfs.protocol import control, keyholding

TABLES = {
    "requests of a client": control.REQUESTS,
    "replies to a client": control.REPLIES,
    "requests to the keyholder": keyholding.REQUESTS,
    "replies of the keyholder": keyholding.REPLIES,
}

_SCALARS: dict[object, st.SearchStrategy[object]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**70), 2**70),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    type(None): st.none(),
}


def values(wanted: object) -> st.SearchStrategy[object]:
    """Return values of one annotation; KeyError for one that the wire does not know."""
    if isinstance(wanted, UnionType):
        return st.one_of(*map(values, wanted.__args__))
    if isinstance(wanted, GenericAlias):
        return st.lists(values(wanted.__args__[0]), max_size=3).map(tuple)
    if isinstance(wanted, type) and hasattr(wanted, "_fields"):
        return messages(wanted)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return st.sampled_from(list(wanted))
    return _SCALARS[wanted]


def messages(kind: type) -> st.SearchStrategy[object]:
    """Return messages of one class."""
    return st.builds(kind, **{name: values(wanted) for name, wanted in kind.__annotations__.items()})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)

"""JSON text as a tree: numbers stay as they are written, and a member that stands twice stays there twice."""

import json

from envfs.errors import Malformed, TooLarge
from envfs_cli.importing.trees import DEEPEST, MOST, Items, NamedItems, Node, Scalar, ScalarKind

_WORDS = {
    True: Scalar("true", ScalarKind.BARE),
    False: Scalar("false", ScalarKind.BARE),
    None: Scalar("", ScalarKind.NULL),
}
_HINT = f"at most {DEEPEST} objects and lists inside each other"


def parse_json(text: str) -> Node:
    """Read one JSON text.

    Raises:
        Malformed: it is none, with line and column
        TooLarge: it is nested too deeply, or holds too many values
    """
    try:
        return _Builder().node(_DECODER.decode(text.removeprefix("\ufeff")), 0)
    except json.JSONDecodeError as error:
        place = error.lineno, error.colno
    except RecursionError:
        raise TooLarge("the JSON text is nested too deeply", _HINT) from None
    raise Malformed("not JSON", "`jq . FILE` says what is wrong", *place)


class _Pairs(list[tuple[str, object]]):
    """The members of an object, which a plain list of pairs could be taken for."""


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _no_number(_word: str) -> object:
    raise Malformed("NaN and Infinity are no numbers of JSON", "write them as text, in quotes")


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_no_number)


class _Builder:
    def __init__(self) -> None:
        self._left = MOST

    def node(self, found: object, depth: int) -> Node:
        """Return the node of a parsed value.

        Raises:
            TooLarge: it is nested too deeply, or has too many values
        """
        self._left -= 1
        if depth > DEEPEST:
            raise TooLarge("the JSON text is nested too deeply", _HINT)
        if self._left < 0:
            raise TooLarge("the JSON text has too many values", f"at most {MOST}")
        match found:
            case _Pairs():
                return NamedItems(tuple((name, self.node(inner, depth + 1)) for name, inner in found))
            case list():
                return Items(tuple(self.node(inner, depth + 1) for inner in found))
            case _Number():
                return Scalar(str(found), ScalarKind.BARE)
            case str():
                return Scalar(found)
            case _:
                return _WORDS[found]  # type: ignore[index]  # true, false or null: there is nothing else

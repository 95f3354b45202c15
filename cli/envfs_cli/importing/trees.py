"""Trees of names and scalars, as JSON and YAML files have them, and the variables that one gives.

Laws: a scalar is the text that the file wrote. Of a name that stands twice the last counts, and that is told; what a
tree gives is bounded by what a level can hold, however often its parts are shared. No message quotes a value.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from envfs.core import limits
from envfs.errors import EnvFSError, Malformed, TooLarge

DEEPEST = 64  # tables and lists inside each other
MOST = 50_000  # nodes of a file: a hundred times those of a large one
_NAME_LIKE = re.compile(r"[A-Za-z0-9_.-]{1,256}")


class ScalarKind(StrEnum):
    """The kinds of leaves."""

    TEXT = "text"
    BARE = "bare"  # a number, true or false, which JSON writes without quotes
    NULL = "null"


class Scalar(NamedTuple):
    """A text.

    `is_odd` tells that a reader which makes numbers and truth values of plain text would write it in another way.
    """

    text: str
    kind: ScalarKind = ScalarKind.TEXT
    is_odd: bool = False

    def __repr__(self) -> str:
        """Show the kind, and not the text."""
        return f"Scalar({self.kind})"


class Items(NamedTuple):
    """A list."""

    items: "tuple[Node, ...]"

    def __repr__(self) -> str:
        """Show how many."""
        return f"Items({len(self.items)})"


class NamedItems(NamedTuple):
    """Names with what each stands for, in order. A name may be there twice."""

    pairs: "tuple[tuple[str, Node], ...]"

    def __repr__(self) -> str:
        """Show how many."""
        return f"Table({len(self.pairs)})"

    def get(self, name: str) -> "Node | None":
        """Return what a name stands for, or None."""
        return dict(self.pairs).get(name)


class Tagged(NamedTuple):
    """Something whose meaning a tag of YAML changes in a way that is not known here."""


Node = Scalar | Items | NamedItems | Tagged


class Leaf(NamedTuple):
    """A scalar or list at its joined name. `repeated` if the name stood twice in its table."""

    name: str
    node: Scalar | Items
    repeated: bool = False


def printable_key(name: str, place: int) -> str:
    """Return how a message names a key: as it is if it looks like a name, by its place if it may be anything."""
    return name if _NAME_LIKE.fullmatch(name) else f"key {place + 1}"


def tree_leaves(tree: Node, separator: str | None) -> tuple[Leaf, ...]:
    """List what a tree holds, with the names of tables inside tables joined by `separator`.

    Raises:
        Malformed: it is no table. Without a separator, a table or a list is inside it. Two places give one name
        TooLarge: it holds more than a level can
    """
    if not isinstance(tree, NamedItems):
        raise Malformed("the text is no object of names and values", "a file for import is one mapping, {NAME: value}")
    by_name: dict[str, Leaf] = {}
    for leaf in _Walk(separator).table(tree, "", repeated=False):
        if leaf.name in by_name:
            raise Malformed(f"two places give the name {printable_key(leaf.name, 0)}", "choose another --flatten")
        by_name[leaf.name] = leaf
    return tuple(by_name.values())


def json_text(node: Node) -> str:
    """Write a list or a table as JSON, in one line.

    Raises:
        Malformed: there is a tag in it
        TooLarge: it is longer than a value may be
    """
    pieces: list[str] = []
    size = 0
    for piece in _json(node):
        size += len(piece)
        if size > limits.VALUE_BYTES:
            raise TooLarge("the list is too long", f"at most {limits.VALUE_BYTES} bytes are allowed for a value")
        pieces.append(piece)
    return "".join(pieces)


class _Walk:
    def __init__(self, separator: str | None) -> None:
        self._separator = separator
        self._left = limits.TEXT_BYTES

    def table(self, table: NamedItems, prefix: str, *, repeated: bool) -> Iterator[Leaf]:
        counts = Counter(name for name, _ in table.pairs)
        self._spend(len(table.pairs))
        for place, (name, node) in enumerate(dict(table.pairs).items()):
            yield from self._node(node, prefix + name, place, repeated=repeated or counts[name] > 1)

    def _node(self, node: Node, name: str, place: int, *, repeated: bool) -> Iterator[Leaf]:
        match node:
            case Scalar():
                self._spend(len(name) + len(node.text))
                yield Leaf(name, node, repeated)
            case Tagged():
                raise Malformed(
                    f"{printable_key(name, place)} has a tag", "write the value as plain text, without !tag"
                )
            case _ if self._separator is None:
                raise _nested(node, printable_key(name, place))
            case Items():
                self._spend(len(name))
                yield Leaf(name, node, repeated)
            case NamedItems():
                yield from self.table(node, name + self._separator, repeated=repeated)

    def _spend(self, size: int) -> None:
        self._left -= size + 1
        if self._left < 0:
            raise TooLarge("the file holds more than a level can", f"at most {limits.TEXT_BYTES} bytes a level")


def _nested(node: Node, name: str) -> EnvFSError:
    if isinstance(node, Items):
        return Malformed(f"{name} is a list", "`--flatten __` makes it one variable, its JSON text")
    return Malformed(f"{name} is an object of its own", f"`--flatten __` makes variables such as {name}__NAME of it")


def _json(node: Node) -> Iterator[str]:
    match node:
        case Scalar():
            yield json.dumps(node.text, ensure_ascii=False) if node.kind is ScalarKind.TEXT else (node.text or "null")
        case Tagged():
            raise Malformed("there is a tag in a list", "write the value as plain text, without !tag")
        case Items():
            yield "["
            for place, item in enumerate(node.items):
                yield "," if place else ""
                yield from _json(item)
            yield "]"
        case NamedItems():
            yield "{"
            for place, (name, inner) in enumerate(dict(node.pairs).items()):
                yield f"{',' if place else ''}{json.dumps(name, ensure_ascii=False)}:"
                yield from _json(inner)
            yield "}"

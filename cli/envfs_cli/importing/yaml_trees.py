"""YAML text as a tree of texts: the only importer of PyYAML, and only its parser, which makes no objects.

Laws: a scalar is the text that stands in the file, whatever YAML would make of it (`NO`, `0o10`, `1.10`). An alias is
the node it names, not a copy. Depth, nodes and merged members are bounded. No message quotes the file.
"""

import re

import yaml

from envfs.errors import Malformed, TooLarge
from envfs_cli.importing.trees import DEEPEST, MOST, Items, NamedItems, Node, Scalar, ScalarKind, Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Pairs = tuple[tuple[str, Node], ...]

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's parser, where PyYAML was built with it
_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = {"!", *(_PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))}
_NULLS = {"", "~", "null", "Null", "NULL"}
_BARE = re.compile(r"true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_USUAL = re.compile(r"true|false|-?[1-9][0-9]{0,17}|0|-?(0\.(?!0000)|[1-9][0-9]{0,5}\.)[0-9]{0,11}[1-9]")
_ODD = re.compile(
    r"True|TRUE|False|FALSE|[-+]?0[xob][0-9a-fA-F_]+|[-+]?(\.[0-9]|[0-9])[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_HINT = "quote a value that starts with a sign such as @ % & * ! or holds a colon and a blank"


def parse_yaml(text: str) -> Node:
    """Read one YAML document.

    Raises:
        Malformed: it is none, with line and column. More than one document. A key that is no text. An unknown anchor
        TooLarge: it is too deep, or has too many nodes
    """
    try:
        return _Builder(yaml.parse(text.removeprefix("\ufeff"), Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    except (yaml.YAMLError, RecursionError):
        place = (0, 0)
    raise Malformed("not YAML", _HINT, *place)


class _Builder:
    def __init__(self, events: "Iterator[yaml.Event]") -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._left = MOST
        self._depth = 0

    def document(self) -> Node:
        """Return the root of the one document.

        Raises:
            Malformed: there are several
        """
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return NamedItems(())
        node = self._node(event)
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise Malformed("the file has more than one document", "split it at the line ---")
        return node

    def _next(self) -> yaml.Event:
        self._spend(1)
        return next(self._events)

    def _spend(self, count: int) -> None:  # for events, which are a few more than nodes, and for what `<<` brings
        self._left -= count
        if self._left < 0:
            raise TooLarge("the YAML text has too many nodes", f"at most {MOST}, aliases followed")

    def _node(self, event: yaml.Event) -> Node:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Malformed("an alias has no anchor above it", _HINT, *_place(event))
            return self._anchors[event.anchor]
        node = self._made(event)
        if event.tag is not None and event.tag not in _PLAIN_TAGS:  # type: ignore[attr-defined]
            node = Tagged()
        if event.anchor is not None:  # type: ignore[attr-defined]
            self._anchors[event.anchor] = node  # type: ignore[attr-defined]
        return node

    def _made(self, event: yaml.Event) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        self._depth += 1
        if self._depth > DEEPEST:
            raise TooLarge("the YAML text is nested too deeply", f"at most {DEEPEST} levels inside each other")
        node = self._table() if isinstance(event, yaml.MappingStartEvent) else Items(tuple(self._items()))
        self._depth -= 1
        return node

    def _items(self) -> "Iterator[Node]":
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._node(event)

    def _table(self) -> NamedItems:
        own: list[tuple[str, Node]] = []
        merged: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event)
            if not isinstance(key, Scalar):
                raise Malformed("a key is no text", "a key is a variable's name", *_place(event))
            inner = self._node(self._next())
            if key.text == "<<" and not getattr(event, "style", None):
                merged.update((name, node) for name, node in self._brought(inner, event) if name not in merged)
            else:
                own.append((key.text, inner))
        names = {name for name, _ in own}
        return NamedItems((*((name, node) for name, node in merged.items() if name not in names), *own))

    def _brought(self, node: Node, event: yaml.Event) -> "Pairs":
        tables = node.items if isinstance(node, Items) else (node,)
        by_name: dict[str, Node] = {}
        for table in tables:
            if not isinstance(table, NamedItems):
                raise Malformed("<< brings something that is no mapping", _HINT, *_place(event))
            self._spend(len(table.pairs) + 1)
            for name, inner in dict(table.pairs).items():
                by_name.setdefault(name, inner)
        return tuple(by_name.items())


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    plain = not event.style and event.tag is None  # the style is None or empty, by which parser it is
    if plain and event.value in _NULLS:
        return Scalar("", ScalarKind.NULL)
    is_odd = plain and not _USUAL.fullmatch(event.value) and _ODD.fullmatch(event.value) is not None
    return Scalar(event.value, ScalarKind.BARE if plain and _BARE.fullmatch(event.value) else ScalarKind.TEXT, is_odd)

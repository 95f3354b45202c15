"""What the kernel knows of the mount: the nodes that were looked up and not forgotten, and what it was told of each.

Only what is known can be watched, so only that has to be touched when it changed.

Law: the count is the kernel's own (`nlookup`): one more for each answered lookup or listed entry, fewer at `forget`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pyfuse3 import EntryAttributes

from envfs.fuse.tree import ASIDE, DOTENV, ENVIRON, FOLDER, HISTORY, PAST, VALUE, VARIABLES, Node
from envfs.gate.comparison import EVERYTHING
from envfs.protocol.keyholding import Difference


class _Told(NamedTuple):
    """How often the kernel was told of a node, and what it was told last."""

    times: int
    entry: EntryAttributes


class Known:
    """The nodes that the kernel knows, but for the root, which it never forgets."""

    def __init__(self) -> None:
        """Start with the root alone."""
        self._told: dict[Node, _Told] = {}

    def told(self, node: Node, entry: EntryAttributes) -> EntryAttributes:
        """Note that the kernel is told of a node once more; returns what it is told."""
        before = self._told.get(node)
        self._told[node] = _Told(before.times + 1 if before is not None else 1, entry)
        return entry

    def described(self, node: Node, entry: EntryAttributes) -> None:
        """Note what the kernel is told of a node that it knows."""
        before = self._told.get(node)
        if before is not None:
            self._told[node] = _Told(before.times, entry)

    def forgotten(self, node: Node, times: int) -> None:
        """Note that the kernel takes `times` of those back."""
        before = self._told.get(node)
        if before is not None and before.times > times:
            self._told[node] = _Told(before.times - times, before.entry)
        else:
            self._told.pop(node, None)

    def last(self, node: Node) -> EntryAttributes | None:
        """Return what the kernel was told last of a node."""
        told = self._told.get(node)
        return None if told is None else told.entry

    def levels(self) -> set[str]:
        """List the levels of which something that can change is known; of the top level the root always is."""
        return {"/", *(node.level for node in self._told if _changes(node))}

    def showing(self, differing: Mapping[str, Difference]) -> list[Node]:
        """List the files that show a difference, by level; the `.env` of each folder that is known is among them.

        Who watches a folder is told of that without ever having looked at it.
        """
        near = [node for node in self._told if node.level in differing and _changes(node)]
        folders = [Node(FOLDER, "/"), *(node for node in near if node.kind == FOLDER)]
        looked_at = {node.level for node in near if node.kind == DOTENV}
        more = [Node(DOTENV, node.level) for node in folders if node.level in differing and node.level not in looked_at]
        return [node for node in (*near, *more) if _shows(node, differing[node.level])]


def _changes(node: Node) -> bool:
    return not node.version and node.kind not in (HISTORY, PAST, VARIABLES, ASIDE)


def _shows(node: Node, difference: Difference) -> bool:
    if node.is_folder:
        return False
    if node.kind == VALUE:
        return node.name in difference.names or difference == EVERYTHING
    form = ENVIRON if node.dialect else node.kind  # in a dialect of the caller's own a text is others' values, no more
    return form in difference.forms or difference == EVERYTHING

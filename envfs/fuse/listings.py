"""Listings of the mount's folders, by name: one folder a level, the same files in each."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.dotenv import writing
from envfs.fuse.nodes import FILES, FOLDER, HISTORY_NAME, PAST, VALUE, VARIABLES_NAME, Node, NodeKind
from envfs.gate.views.view import View
from envfs.vault.vault import Vault

_HISTORY_DIGITS = 8
_MOST_STEPS = 4096
_Entries = Sequence[tuple[str, Node]]


class Listing(NamedTuple):
    """The listing of an opened folder, for the caller who opened it.

    After `entries` come the folders of `versions`, then the variables of `view`, if there is one.
    """

    node: Node
    caller: Caller
    entries: _Entries
    versions: Sequence[int] = ()
    view: View | None = None

    @property
    def is_below_grant(self) -> bool:
        """Tell whether the folder is for those alone who may read the level. A level's own may be passed."""
        return self.node.kind is not FOLDER

    def at(self, index: int) -> tuple[str, Node] | None:
        """Return the name and the node at a place. None after the last."""
        if index < len(self.entries):
            return self.entries[index]
        index -= len(self.entries)
        if index < len(self.versions):
            version = self.versions[index]
            return str(version), Node(PAST, self.node.level, version, face=self.node.face)
        index -= len(self.versions)
        if self.view is None or index >= self.view.variables:
            return None
        name = self.view.name(index)
        return name, Node(VALUE, self.node.level, self.node.version, name, self.node.face)


@lru_cache(maxsize=_MOST_STEPS)
def child_node_of(folder: Node, name: bytes) -> Node | None:
    """As `child_node`, for a name as the kernel has it. The last ones are remembered: every path asks."""
    return child_node(folder, name.decode(errors="surrogateescape"))


def child_node(folder: Node, name: str) -> Node | None:
    """Return what a name in a folder stands for, whether that exists or not. None for what can never be there."""
    if folder.kind is FOLDER or folder.kind is PAST:
        return _in_level(folder, name)
    match folder.kind:
        case NodeKind.HISTORY if len(name) <= _HISTORY_DIGITS and name.isascii() and name.isdigit():
            number = int(name)
            return Node(PAST, folder.level, number) if str(number) == name else None
        case NodeKind.VARIABLES if writing.is_portable_name(name):
            return Node(VALUE, folder.level, folder.version, name)
    return None


def _in_level(folder: Node, name: str) -> Node | None:
    level, version = folder.level, folder.version
    if name in FILES:
        return Node(FILES[name], level, version)
    if name == VARIABLES_NAME:
        return Node(NodeKind.VARIABLES, level, version)
    if folder.kind is FOLDER and name == HISTORY_NAME:
        return Node(NodeKind.HISTORY, level)
    return Node(FOLDER, names.child(level, name)) if folder.kind is FOLDER and names.is_component(name) else None


def is_there(vault: Vault, node: Node) -> bool:
    """Tell whether the vault has what a node stands for: a level, or a version of one."""
    if node.kind is FOLDER:
        parent, _, name = node.level.rpartition("/")
        return name in vault.children(parent or names.ROOT)  # the kernel has walked the steps before
    if node.version or node.kind is PAST:
        head = vault.head(node.level)
        is_one = head is not None and 1 <= node.version <= head.seq
        return is_one and node.version not in vault.forgotten_versions(node.level)
    return True


def past_versions(vault: Vault, level: str) -> Sequence[int]:
    """Return the numbers of a level's versions, without those that its owner forgot."""
    head, forgotten = vault.head(level), vault.forgotten_versions(level)
    versions = range(1, head.seq + 1 if head else 1)
    return tuple(version for version in versions if version not in forgotten) if forgotten else versions


def level_files(level: str, version: int) -> list[tuple[str, Node]]:
    """List what every level shows, now or at a version. Its past is a thing of now."""
    kinds = {**FILES, VARIABLES_NAME: NodeKind.VARIABLES} | ({} if version else {HISTORY_NAME: NodeKind.HISTORY})
    return [(name, Node(kind, level, version)) for name, kind in kinds.items()]

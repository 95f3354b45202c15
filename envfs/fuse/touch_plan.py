"""Which inodes are touched so that every watch hears of a change once, and by which way each is reached.

Laws: a watch is on an inode, so each inode that the kernel holds of a level that changed is touched, whatever content
it has. A folder's watch hears of each name once: one inode of a name goes by its path in that folder, the others aside.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pyfuse3 import ROOT_INODE

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access_request import Format
from envfs.core.differences import Difference
from envfs.fuse import nodes
from envfs.fuse.inodes import Inodes
from envfs.fuse.kernel_table import Inode, KernelTable
from envfs.fuse.nodes import DOTENV, FOLDER, FORMATS, PAST, VALUE, Node, NodeKind
from envfs.gate.views.view import TEXTS
from envfs.service.changes.comparison import EVERYTHING

_ASIDE, _ASIDE_NAME = Node(NodeKind.ASIDE, names.ROOT), ".touched"


class Step(NamedTuple):
    """One step of a way: a name in a folder, by its inode's number, and the inode that it stands for."""

    folder: int
    name: str
    inode: Inode


class Touch(NamedTuple):
    """An inode to touch and the way to it from the root. The last step is the inode itself."""

    steps: tuple[Step, ...]

    @property
    def target(self) -> int:
        """The number of the inode to touch."""
        return self.steps[-1].inode.number


class _Shown:
    """A difference, ready to be asked about each of many files: a level may have 100,000 variables."""

    def __init__(self, difference: Difference) -> None:
        self._all = difference == EVERYTHING
        self._parts = frozenset(difference.parts)
        self._names = frozenset(difference.names)

    def by(self, node: Node) -> bool:
        """Tell whether a file shows it."""
        if node.is_folder or self._all:
            return not node.is_folder
        if node.kind is VALUE:
            return node.name in self._names
        if self._names and not any(map(node.face.shows, self._names)):
            return False
        # in a dialect of the caller's own, and with placeholders, a text is others' values, no more
        is_plain = not (node.face.dialect or node.face.masked) or node.kind is not DOTENV
        return TEXTS[FORMATS[node.kind] if is_plain else Format.ENVIRON] in self._parts


def held_levels(table: KernelTable) -> set[str]:
    """List the levels of which something that can change is held. Of the top level the root always is."""
    return {names.ROOT, *(inode.node.level for inode in table if _changes(inode.node))}


def plan_touches(table: KernelTable, inodes: Inodes, me: Caller, differing: Mapping[str, Difference]) -> list[Touch]:
    """Plan the touches for differences, by level. The `.env` of each folder that is held is among them.

    A watch on a folder is told of that without anybody having looked at the file.
    """
    shown = {level: _Shown(difference) for level, difference in differing.items()}
    held = [inode for inode in table if inode.node.level in differing and _changes(inode.node)]
    named: dict[tuple[int, str], Touch] = {}
    aside: list[Touch] = []
    for inode in reversed(held):  # the newest first: its name goes on standing for it
        if not inode.is_placeholder and shown[inode.node.level].by(inode.node):
            folder = table.find(table.identity(nodes.parent(inode.node), inode.identity.uid))
            key = (folder.number if folder is not None else 0, nodes.name(inode.node))
            if folder is None or key in named:
                aside.append(_aside(inodes, me, inode))
            else:
                named[key] = _by_name(inodes, folder, inode)
    for folder in held:
        node = Node(DOTENV, folder.node.level)
        key = (folder.number, nodes.name(node))
        if folder.node.kind is FOLDER and key not in named and shown[node.level].by(node):
            named[key] = _by_name(inodes, folder, inodes.placeholder(node, folder.caller))
    return [*named.values(), *aside]


def _by_name(inodes: Inodes, folder: Inode, inode: Inode) -> Touch:
    steps, number = [], ROOT_INODE
    for node in nodes.way(folder.node):
        step = folder if node == folder.node else inodes.folder(node, folder.caller)
        steps.append(Step(number, nodes.name(node), step))
        number = step.number
    return Touch((*steps, Step(number, nodes.name(inode.node), inode)))


def _aside(inodes: Inodes, me: Caller, inode: Inode) -> Touch:
    # by a name in a folder that nobody watches: the watches of its own folder are told by another inode
    hidden = inodes.folder(_ASIDE, me)
    return Touch((Step(ROOT_INODE, _ASIDE_NAME, hidden), Step(hidden.number, _ASIDE_NAME, inode)))


def _changes(node: Node) -> bool:
    return not node.version and node.kind not in (NodeKind.HISTORY, PAST, NodeKind.VARIABLES, NodeKind.ASIDE)

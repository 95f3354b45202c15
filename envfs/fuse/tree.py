"""Which inode is what: the nodes of the mount, named by what they show.

Law: a node once numbered keeps its number for the life of the mount; there are as many as levels and versions looked
at, so the table is bounded by the vault.
"""

from typing import NamedTuple

from envfs.core import names

ROOT_INODE = 1
FOLDER, VIEW, HISTORY, PAST = "folder", "view", "history", "past"
VIEW_NAME, HISTORY_NAME = ".env", ".history"


class Node(NamedTuple):
    """One thing in the mount.

    `folder` a level; `view` a level's `.env`, now or at `version`; `history` a level's `.history`; `past` the folder of
    one version in it.
    """

    kind: str
    level: str
    version: int = 0

    @property
    def is_folder(self) -> bool:
        """Tell folders from views."""
        return self.kind != VIEW


class Tree:
    """Numbers for nodes, both ways."""

    def __init__(self) -> None:
        """Start with the top level as the root."""
        root = Node(FOLDER, names.ROOT)
        self._nodes = {ROOT_INODE: root}
        self._inodes = {root: ROOT_INODE}

    def node(self, inode: int) -> Node:
        """Return the node of an inode; KeyError if there is none."""
        return self._nodes[inode]

    def views(self) -> list[int]:
        """Return the inodes of all views."""
        return [number for number, node in self._nodes.items() if node.kind == VIEW]

    def inode(self, node: Node) -> int:
        """Return the inode of a node, numbering it if it is new."""
        number = self._inodes.get(node)
        if number is None:
            number = self._inodes[node] = len(self._nodes) + ROOT_INODE
            self._nodes[number] = node
        return number


def name(node: Node) -> str:
    """Return what a node is called in its folder; the root has no name."""
    if node.kind == FOLDER:
        return node.level.rpartition("/")[2]
    return {VIEW: VIEW_NAME, HISTORY: HISTORY_NAME}.get(node.kind) or str(node.version)


def way(node: Node) -> list[Node]:
    """List the steps from the root to a node, the node last; the root itself is no step."""
    steps = []
    while parent(node) != node:
        steps.append(node)
        node = parent(node)
    return steps[::-1]


def parent(node: Node) -> Node:
    """Return the folder that a node is in; the root is in itself."""
    if node.kind == FOLDER:
        return Node(FOLDER, node.level.rpartition("/")[0] or names.ROOT)
    if node.kind == PAST:
        return Node(HISTORY, node.level)
    if node.kind == VIEW and node.version:
        return Node(PAST, node.level, node.version)
    return Node(FOLDER, node.level)

"""What can stand in the mount: its nodes, named by what they show, and the way to each."""

from typing import Final, NamedTuple

from envfs.core import names

FOLDER, HISTORY, PAST, VARIABLES, ASIDE = "folder", "history", "past", "variables", "aside"
DOTENV, JSON, EXAMPLE, ENVIRON, VALUE = "dotenv", "json", "example", "environ", "value"
HISTORY_NAME, VARIABLES_NAME = ".history", ".vars"
FORMS: Final = {".env": DOTENV, ".env.example": EXAMPLE, ".env.json": JSON, ".environ": ENVIRON}  # name: kind
_FOLDERS = frozenset((FOLDER, HISTORY, PAST, VARIABLES, ASIDE))
_NAMES = {HISTORY: HISTORY_NAME, VARIABLES: VARIABLES_NAME, **{kind: name for name, kind in FORMS.items()}}


class Node(NamedTuple):
    """One thing in the mount.

    Folders: `folder` a level; `history` a level's `.history`; `past` the folder of one version in it; `variables` the
    `.vars` of a level. Files: `dotenv`, whose `name` is the dialect that the caller's grant names, if any; `json`,
    `example`, `environ`; `value`, whose `name` is the variable. All but the first two are of now, or of `version`.
    `aside` is a folder that nobody but the daemon can find (`touching`).
    """

    kind: str
    level: str
    version: int = 0
    name: str = ""

    @property
    def is_folder(self) -> bool:
        """Tell folders from files."""
        return self.kind in _FOLDERS

    @property
    def dialect(self) -> str:
        """The dialect of the view that the node shows; empty for the one that the level asks for."""
        return self.name if self.kind == DOTENV else ""


ROOT: Final = Node(FOLDER, names.ROOT)


def name(node: Node) -> str:
    """Return what a node is called in its folder; the root has no name."""
    if node.kind == FOLDER:
        return node.level.rpartition("/")[2]
    return _NAMES.get(node.kind) or node.name or str(node.version)


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
    if node.kind == VALUE:
        return Node(VARIABLES, node.level, node.version)
    if node.version:
        return Node(PAST, node.level, node.version)
    return Node(FOLDER, node.level)

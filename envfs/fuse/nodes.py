"""The content of the mount: its nodes, named by what they show, and the way to each."""

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, assert_never

from envfs.core import names
from envfs.core.access.face import PLAIN_FACE, Face
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format

HISTORY_NAME, VARIABLES_NAME = ".history", ".vars"


class NodeKind(StrEnum):
    """The kinds of folders, then those of files."""

    FOLDER = "folder"  # a level
    HISTORY = "history"  # a level's `.history`
    PAST = "past"  # the folder of one version in it
    VARIABLES = "variables"  # the `.vars` of a level
    ASIDE = "aside"  # a folder that nobody but the daemon can find (`touching`)
    DOTENV = "dotenv"
    JSON = "json"
    EXAMPLE = "example"
    ENVIRON = "environ"
    VALUE = "value"  # one variable


# by these names where every open comes by: through its class a member costs 50 ns (3.11), and an open asks for 30
FOLDER, PAST, DOTENV, VALUE = NodeKind.FOLDER, NodeKind.PAST, NodeKind.DOTENV, NodeKind.VALUE
_MOUNT, _READ = Channel.MOUNT, Capability.READ
_FOLDERS = frozenset((NodeKind.FOLDER, NodeKind.HISTORY, NodeKind.PAST, NodeKind.VARIABLES, NodeKind.ASIDE))
FORMATS: Final = {  # in which a file shows its level
    NodeKind.DOTENV: Format.DOTENV,
    NodeKind.JSON: Format.JSON,
    NodeKind.EXAMPLE: Format.EXAMPLE,
    NodeKind.ENVIRON: Format.ENVIRON,
    NodeKind.VALUE: Format.VALUE,
}
CAPABILITIES: Final = {  # that its looker needs, where it is not the values. A folder of a level may be passed
    NodeKind.EXAMPLE: Capability.NAMES,
    NodeKind.VARIABLES: Capability.NAMES,
    NodeKind.HISTORY: Capability.HISTORY,
    NodeKind.PAST: Capability.HISTORY,
}
FILES: Final = {
    ".env": NodeKind.DOTENV,
    ".env.example": NodeKind.EXAMPLE,
    ".env.json": NodeKind.JSON,
    ".environ": NodeKind.ENVIRON,
}
_NAMES = {
    NodeKind.HISTORY: HISTORY_NAME,
    NodeKind.VARIABLES: VARIABLES_NAME,
    **{kind: name for name, kind in FILES.items()},
}


class Node(NamedTuple):
    """One thing in the mount. All but a level and its `.history` are of now (`version` 0), or of a version.

    The `name` of a value is the variable's. `face` is that of its reader, as far as it makes a difference here: nodes
    that differ in their face alone stand at one path, each for the callers who get that face.
    """

    kind: NodeKind
    level: str
    version: int = 0
    name: str = ""
    face: Face = PLAIN_FACE

    @property
    def is_folder(self) -> bool:
        """Tell folders from files."""
        return self.kind in _FOLDERS

    @property
    def capability(self) -> Capability:
        """The capability at the level that a look at it takes."""
        return CAPABILITIES.get(self.kind, _READ)


def faced(node: Node, face: Face) -> Node:
    """Return a node as readers with a face get it.

    A dialect is one of `.env` alone. Folders below a level belong to a face too: a watch on one hears the names that
    are used in it. The folder of a level is passed by readers of other levels, so it has none.
    """
    if face == PLAIN_FACE or node.kind is FOLDER:
        return node
    return node._replace(face=face if node.kind is DOTENV else face.without_dialect())


ROOT: Final = Node(FOLDER, names.ROOT)


def name(node: Node) -> str:
    """Return what a node is called in its folder. The root has no name."""
    if node.kind is NodeKind.FOLDER:
        return node.level.rpartition("/")[2]
    return _NAMES.get(node.kind) or node.name or str(node.version)


@lru_cache(maxsize=1024)
def request(node: Node, what: Format) -> AccessRequest:
    """Return what a caller asks for that looks up, opens or lists a node."""
    variables = (node.name,) if node.kind is NodeKind.VALUE else ()
    return AccessRequest(node.level, _MOUNT, what, node.version, node.face, variables)


def way(node: Node) -> list[Node]:
    """List the steps from the root to a node, the node last. The root itself is no step."""
    steps = []
    while parent(node) != node:
        steps.append(node)
        node = parent(node)
    return steps[::-1]


def parent(node: Node) -> Node:
    """Return the folder that a node is in. The root is in itself."""
    match node.kind:
        case NodeKind.FOLDER:
            return Node(NodeKind.FOLDER, node.level.rpartition("/")[0] or names.ROOT)
        case NodeKind.PAST:
            return Node(NodeKind.HISTORY, node.level, face=node.face)
        case NodeKind.VALUE:
            return Node(NodeKind.VARIABLES, node.level, node.version, face=node.face)
        case NodeKind.DOTENV | NodeKind.JSON | NodeKind.EXAMPLE | NodeKind.ENVIRON | NodeKind.VARIABLES:
            if not node.version:
                return Node(NodeKind.FOLDER, node.level)
            return Node(NodeKind.PAST, node.level, node.version, face=node.face.without_dialect())
        case NodeKind.HISTORY | NodeKind.ASIDE:
            return Node(NodeKind.FOLDER, node.level)
        case _:
            assert_never(node.kind)

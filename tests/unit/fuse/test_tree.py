"""What stands where in the mount: everything is in a folder, and views are the files."""

import pytest

from envfs.fuse import nodes
from envfs.fuse.nodes import Node, NodeKind

NODES = [
    Node(NodeKind.FOLDER, "/"),
    Node(NodeKind.FOLDER, "/shop"),
    Node(NodeKind.DOTENV, "/"),
    Node(NodeKind.DOTENV, "/shop"),
    Node(NodeKind.DOTENV, "/shop", 1),
    Node(NodeKind.DOTENV, "/shop", 2),
    Node(NodeKind.HISTORY, "/shop"),
    Node(NodeKind.PAST, "/shop", 1),
    Node(NodeKind.PAST, "/shop", 2),
]


@pytest.mark.parametrize(
    ("node", "parent"),
    [
        (Node(NodeKind.FOLDER, "/"), Node(NodeKind.FOLDER, "/")),
        (Node(NodeKind.FOLDER, "/shop"), Node(NodeKind.FOLDER, "/")),
        (Node(NodeKind.FOLDER, "/shop/prod"), Node(NodeKind.FOLDER, "/shop")),
        (Node(NodeKind.DOTENV, "/"), Node(NodeKind.FOLDER, "/")),
        (Node(NodeKind.DOTENV, "/shop"), Node(NodeKind.FOLDER, "/shop")),
        (Node(NodeKind.DOTENV, "/shop", 3), Node(NodeKind.PAST, "/shop", 3)),
        (Node(NodeKind.HISTORY, "/shop"), Node(NodeKind.FOLDER, "/shop")),
        (Node(NodeKind.PAST, "/shop", 3), Node(NodeKind.HISTORY, "/shop")),
    ],
)
def test_everything_is_in_a_folder(node: Node, parent: Node) -> None:
    assert nodes.parent(node) == parent
    assert parent.is_folder


def test_views_are_the_only_files() -> None:
    assert [node for node in NODES if not node.is_folder] == [node for node in NODES if node.kind is NodeKind.DOTENV]


@pytest.mark.parametrize(
    ("node", "path"),
    [
        (Node(NodeKind.DOTENV, "/"), ".env"),
        (Node(NodeKind.DOTENV, "/shop/prod", 0, "node"), "shop/prod/.env"),
        (Node(NodeKind.JSON, "/shop"), "shop/.env.json"),
        (Node(NodeKind.VALUE, "/shop", 0, "A"), "shop/.vars/A"),
        (Node(NodeKind.EXAMPLE, "/shop", 3), "shop/.history/3/.env.example"),
        (Node(NodeKind.VALUE, "/", 2, "A"), ".history/2/.vars/A"),
        (Node(NodeKind.FOLDER, "/"), ""),
    ],
)
def test_the_way_to_a_node_is_the_path_that_people_use(node: Node, path: str) -> None:
    assert "/".join(map(nodes.name, nodes.way(node))) == path

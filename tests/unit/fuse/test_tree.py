"""What stands where in the mount: everything is in a folder, and views are the files."""

import pytest

from envfs.fuse import tree
from envfs.fuse.tree import DOTENV, EXAMPLE, FOLDER, HISTORY, JSON, PAST, VALUE, Node

NODES = [
    Node(FOLDER, "/"),
    Node(FOLDER, "/shop"),
    Node(DOTENV, "/"),
    Node(DOTENV, "/shop"),
    Node(DOTENV, "/shop", 1),
    Node(DOTENV, "/shop", 2),
    Node(HISTORY, "/shop"),
    Node(PAST, "/shop", 1),
    Node(PAST, "/shop", 2),
]


@pytest.mark.parametrize(
    ("node", "parent"),
    [
        (Node(FOLDER, "/"), Node(FOLDER, "/")),
        (Node(FOLDER, "/shop"), Node(FOLDER, "/")),
        (Node(FOLDER, "/shop/prod"), Node(FOLDER, "/shop")),
        (Node(DOTENV, "/"), Node(FOLDER, "/")),
        (Node(DOTENV, "/shop"), Node(FOLDER, "/shop")),
        (Node(DOTENV, "/shop", 3), Node(PAST, "/shop", 3)),
        (Node(HISTORY, "/shop"), Node(FOLDER, "/shop")),
        (Node(PAST, "/shop", 3), Node(HISTORY, "/shop")),
    ],
)
def test_everything_is_in_a_folder(node: Node, parent: Node) -> None:
    assert tree.parent(node) == parent
    assert parent.is_folder


def test_views_are_the_only_files() -> None:
    assert [node for node in NODES if not node.is_folder] == [node for node in NODES if node.kind == DOTENV]


@pytest.mark.parametrize(
    ("node", "path"),
    [
        (Node(DOTENV, "/"), ".env"),
        (Node(DOTENV, "/shop/prod", 0, "node"), "shop/prod/.env"),
        (Node(JSON, "/shop"), "shop/.env.json"),
        (Node(VALUE, "/shop", 0, "A"), "shop/.vars/A"),
        (Node(EXAMPLE, "/shop", 3), "shop/.history/3/.env.example"),
        (Node(VALUE, "/", 2, "A"), ".history/2/.vars/A"),
        (Node(FOLDER, "/"), ""),
    ],
)
def test_the_way_to_a_node_is_the_path_that_people_use(node: Node, path: str) -> None:
    assert "/".join(map(tree.name, tree.way(node))) == path

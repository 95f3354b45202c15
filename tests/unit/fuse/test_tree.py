"""Inodes: a number for each thing that is shown, the same for as long as the mount lives."""

import pytest

from envfs.fuse import tree
from envfs.fuse.tree import DOTENV, FOLDER, HISTORY, PAST, ROOT_INODE, Node, Tree

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


def test_the_root_has_the_number_that_the_kernel_expects() -> None:
    assert ROOT_INODE == 1
    assert Tree().inode(Node(FOLDER, "/")) == 1
    assert Tree().node(1) == Node(FOLDER, "/")


def test_each_thing_keeps_its_own_number() -> None:
    found = Tree()
    numbers = [found.inode(node) for node in NODES]
    assert len(set(numbers)) == len(NODES)
    assert [found.inode(node) for node in reversed(NODES)] == numbers[::-1]
    assert [found.node(number) for number in numbers] == NODES


@pytest.mark.parametrize("number", [0, 2, -1, 1 << 63])
def test_a_number_that_was_never_given_is_nobodys(number: int) -> None:
    with pytest.raises(KeyError):
        Tree().node(number)


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

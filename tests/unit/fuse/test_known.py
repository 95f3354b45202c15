"""What the kernel knows, and what of it shows a difference."""

import pytest
from pyfuse3 import EntryAttributes

from envfs.fuse import tree
from envfs.fuse.known import Known
from envfs.fuse.tree import DOTENV, ENVIRON, EXAMPLE, FOLDER, HISTORY, JSON, PAST, VALUE, VARIABLES, Node
from envfs.gate.comparison import EVERYTHING
from envfs.protocol.keyholding import Difference

VALUES = Difference(("dotenv", "json", "environ"), ("A",))
SHOP = Node(FOLDER, "/shop")
ENV = Node(DOTENV, "/shop")


def known(*nodes: Node) -> Known:
    made = Known()
    for node in nodes:
        made.told(node, EntryAttributes())
    return made


def test_a_node_is_known_until_it_was_forgotten_as_often_as_it_was_told() -> None:
    made = known(ENV, ENV, ENV)
    made.forgotten(ENV, 2)
    assert made.last(ENV) is not None
    made.forgotten(ENV, 1)
    assert made.last(ENV) is None
    made.forgotten(ENV, 7)
    assert made.levels() == {"/"}


def test_what_was_told_last_counts() -> None:
    made, first, second = known(), EntryAttributes(), EntryAttributes()
    assert made.told(ENV, first) is first
    made.described(ENV, second)
    assert made.last(ENV) is second
    made.described(SHOP, first)
    assert made.last(SHOP) is None


def test_levels_are_those_of_which_something_can_change() -> None:
    past = Node(DOTENV, "/old", 3)
    assert known(SHOP, past, Node(PAST, "/past", 1), Node(HISTORY, "/history")).levels() == {"/", "/shop"}


@pytest.mark.parametrize(
    ("node", "difference", "shows"),
    [
        (ENV, VALUES, True),
        (Node(JSON, "/shop"), VALUES, True),
        (Node(ENVIRON, "/shop"), VALUES, True),
        (Node(EXAMPLE, "/shop"), VALUES, False),
        (Node(EXAMPLE, "/shop"), EVERYTHING, True),
        (Node(VALUE, "/shop", 0, "A"), VALUES, True),
        (Node(VALUE, "/shop", 0, "B"), VALUES, False),
        (Node(VALUE, "/shop", 0, "B"), EVERYTHING, True),
        (Node(DOTENV, "/shop", 0, "node"), VALUES, True),
        (ENV, Difference(("dotenv",)), True),
        (Node(DOTENV, "/shop", 0, "node"), Difference(("dotenv",)), False),
        (Node(DOTENV, "/shop", 2), EVERYTHING, False),
        (Node(DOTENV, "/blog"), EVERYTHING, False),
        (Node(VARIABLES, "/shop"), EVERYTHING, False),
    ],
)
def test_a_file_is_touched_if_it_shows_the_difference(node: Node, difference: Difference, shows: bool) -> None:
    assert known(node).showing({"/shop": difference}) == ([node] if shows else [])


def test_the_env_of_a_known_folder_is_touched_once_whoever_looked_at_it() -> None:
    assert known(SHOP).showing({"/shop": VALUES}) == [ENV]
    assert known(SHOP, ENV).showing({"/shop": VALUES}) == [ENV]
    face = Node(DOTENV, "/shop", 0, "node")
    assert known(SHOP, face).showing({"/shop": VALUES}) == [face]
    assert known().showing({"/": VALUES}) == [Node(DOTENV, "/")]
    assert known().showing({"/shop": VALUES}) == []


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

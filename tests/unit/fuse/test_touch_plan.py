"""What is touched for a difference: each inode that shows it, each name once in each folder."""

from collections.abc import Hashable
from typing import NamedTuple, cast

import pytest
from pyfuse3 import EntryAttributes

from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.differences import Difference
from envfs.core.view_parts import Part
from envfs.errors import StoreUnavailable
from envfs.fuse import touch_plan
from envfs.fuse.inodes import Inodes
from envfs.fuse.kernel_table import Inode, KernelTable
from envfs.fuse.nodes import Node, NodeKind
from envfs.service.changes.comparison import EVERYTHING
from envfs.vault.vault import Vault

VALUES = Difference((Part.DOTENV, Part.JSON, Part.ENVIRON), ("A",))
ME = Caller(0, 0, 1)
MASKED = Face(masked=True)
SHOP, ENV = Node(NodeKind.FOLDER, "/shop"), Node(NodeKind.DOTENV, "/shop")


class Touched(NamedTuple):
    """A touch as the tests speak of it: the path that is walked, the node, its reader and its content."""

    path: str
    node: Node
    uid: int
    content: Hashable


class Empty:
    """A vault without any text: no folder has a time of its own."""

    def versions(self, _level: str) -> tuple[int, ...]:
        return (0,)

    def header(self, level: str, _version: int) -> None:
        raise StoreUnavailable(level)


class Held:
    """A table into which the tests put what the kernel holds."""

    def __init__(self) -> None:
        self.table = KernelTable(ME)
        self.inodes = Inodes(cast("Vault", Empty()), self.table, lambda *_: None)

    def hold(self, node: Node, uid: int = 0, content: Hashable = 1) -> Inode:
        caller = ME._replace(uid=uid)
        if node.is_folder:
            held = self.inodes.folder(node, caller)
        else:
            identity = self.table.identity(node, uid, content)
            held = Inode(self.table.number(identity), identity, caller, EntryAttributes())
        self.table.looked_up(held)
        return held

    def plan(self, level: str, difference: Difference) -> list[Touched]:
        touches = touch_plan.plan_touches(self.table, self.inodes, ME, {level: difference})
        made = []
        for touch in touches:
            last = touch.steps[-1].inode
            content = "none" if last.is_placeholder else last.identity.content
            made.append(Touched("/".join(s.name for s in touch.steps), last.node, last.identity.uid, content))
            folders = [1, *(step.inode.number for step in touch.steps)]
            assert [step.folder for step in touch.steps] == folders[:-1]
            assert touch.target == last.number
        return made


@pytest.fixture
def held() -> Held:
    return Held()


def test_levels_are_those_of_which_something_can_change(held: Held) -> None:
    for node in (
        SHOP,
        Node(NodeKind.DOTENV, "/old", 3),
        Node(NodeKind.PAST, "/past", 1),
        Node(NodeKind.HISTORY, "/history"),
    ):
        held.hold(node)
    assert touch_plan.held_levels(held.table) == {"/", "/shop"}


@pytest.mark.parametrize(
    ("node", "difference", "shows"),
    [
        (ENV, VALUES, True),
        (Node(NodeKind.JSON, "/shop"), VALUES, True),
        (Node(NodeKind.ENVIRON, "/shop"), VALUES, True),
        (Node(NodeKind.EXAMPLE, "/shop"), VALUES, False),
        (Node(NodeKind.EXAMPLE, "/shop"), EVERYTHING, True),
        (Node(NodeKind.VALUE, "/shop", 0, "A"), VALUES, True),
        (Node(NodeKind.VALUE, "/shop", 0, "B"), VALUES, False),
        (Node(NodeKind.VALUE, "/shop", 0, "B"), EVERYTHING, True),
        (ENV._replace(face=Face("node")), VALUES, True),
        (ENV._replace(face=MASKED), VALUES, True),
        (ENV._replace(face=Face(only=("A*", "C"))), VALUES, True),
        (ENV._replace(face=Face(only=("B*", "C"))), VALUES, False),
        (ENV._replace(face=Face(only=("B*", "C"))), EVERYTHING, True),
        (Node(NodeKind.JSON, "/shop", face=MASKED), VALUES, True),
        (Node(NodeKind.JSON, "/shop", face=Face(only=("B",))), VALUES, False),
        (Node(NodeKind.EXAMPLE, "/shop", face=MASKED), VALUES, False),
        (ENV, Difference((Part.DOTENV,)), True),
        (ENV._replace(face=Face("node")), Difference((Part.DOTENV,)), False),
        (ENV._replace(face=MASKED), Difference((Part.DOTENV,)), False),
        (ENV._replace(face=Face(only=("B",))), Difference((Part.DOTENV,)), True),
        (Node(NodeKind.DOTENV, "/shop", 2), EVERYTHING, False),
        (Node(NodeKind.DOTENV, "/blog"), EVERYTHING, False),
        (Node(NodeKind.VARIABLES, "/shop"), EVERYTHING, False),
    ],
)
def test_a_file_is_touched_if_it_shows_the_difference(
    held: Held, node: Node, difference: Difference, shows: bool
) -> None:
    held.hold(node)
    assert [touch.node for touch in held.plan("/shop", difference)] == ([node] if shows else [])


def test_each_content_that_is_held_is_touched_and_the_name_once(held: Held) -> None:
    held.hold(SHOP)
    for content in (1, 2, 3):
        held.hold(ENV, content=content)
    assert held.plan("/shop", VALUES) == [
        Touched("shop/.env", ENV, 0, 3),
        Touched(".touched/.touched", ENV, 0, 2),
        Touched(".touched/.touched", ENV, 0, 1),
    ]


def test_each_readers_folder_hears_of_the_name_once(held: Held) -> None:
    face = Node(NodeKind.DOTENV, "/shop", 0, "node")
    for uid, node in ((0, ENV), (1002, face)):
        held.hold(SHOP, uid)
        held.hold(node, uid)
    held.hold(SHOP, 1003)
    assert sorted(held.plan("/shop", VALUES)) == [
        Touched("shop/.env", ENV, 0, 1),
        Touched("shop/.env", ENV, 1003, "none"),
        Touched("shop/.env", face, 1002, 1),
    ]


def test_the_root_that_all_share_hears_of_a_name_once(held: Held) -> None:
    top = Node(NodeKind.DOTENV, "/")
    for uid in (0, 1002):
        held.hold(top, uid)
    assert held.plan("/", VALUES) == [
        Touched(".env", top, 1002, 1),
        Touched(".touched/.touched", top, 0, 1),
    ]


def test_the_env_of_a_held_folder_is_touched_though_nobody_looked_at_it(held: Held) -> None:
    assert held.plan("/", VALUES) == [Touched(".env", Node(NodeKind.DOTENV, "/"), 0, "none")]
    assert held.plan("/shop", VALUES) == []
    held.hold(SHOP)
    assert held.plan("/shop", VALUES) == [Touched("shop/.env", ENV, 0, "none")]
    assert held.plan("/shop", Difference((Part.EXAMPLE,))) == []


def test_a_file_whose_folder_is_gone_is_touched_aside(held: Held) -> None:
    held.hold(Node(NodeKind.VALUE, "/shop", 0, "A"))
    assert [touch.path for touch in held.plan("/shop", VALUES)] == [".touched/.touched"]
    held.hold(Node(NodeKind.VARIABLES, "/shop"))
    assert [touch.path for touch in held.plan("/shop", VALUES)] == ["shop/.vars/A"]


def test_a_placeholder_is_never_touched(held: Held) -> None:
    held.hold(ENV, content=held.table.new_placeholder())
    assert held.plan("/shop", VALUES) == []

"""What one uid may hold open, in number and in memory, and that all of it is given back."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import PAGESIZE
from typing import cast

import pytest
from pyfuse3 import EntryAttributes, FUSEError

from envfs.core.access.caller import Caller
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.errors import NotApproved
from envfs.fuse import handles
from envfs.fuse.handles import Handles
from envfs.fuse.kernel_table import Inode, InodeIdentity
from envfs.fuse.listings import Listing
from envfs.fuse.nodes import ROOT, Node, NodeKind
from envfs.gate.gate import Gate
from envfs.gate.views.view import Extent, View

ME, OTHER = Caller(1000, 1000, 42), Caller(1001, 1001, 43)
NODE = Node(NodeKind.DOTENV, "/shop")
REQUEST = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV)


class Asked:
    """A gate that allows, until it is told not to; `refused` counts what it put on the log."""

    def __init__(self) -> None:
        self.allowed = True
        self.refused = 0

    def judge(self, _caller: Caller, _request: AccessRequest) -> Verdict:
        return self.judge_access()

    judge_held = judge

    def judge_access(self, *_access: object, **_more: object) -> Verdict:
        return Verdict(Decision.ALLOW if self.allowed else Decision.DENY, "a rule")

    def sees(self, _caller: Caller, _level: str) -> bool:
        return self.allowed

    def refuse(self, _caller: Caller, _request: AccessRequest, rule: str) -> None:
        self.refused += 1
        raise NotApproved(rule)


class Piece:
    """A view of a size, which counts those who hold it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.holders = 1

    def part(self, _form: str) -> Extent:
        return Extent(0, self.size)

    def hold(self) -> "Piece":
        self.holders += 1
        return self

    def release(self) -> None:
        self.holders -= 1


class World:
    """Handles over a gate, and a way to open things."""

    def __init__(self) -> None:
        self.gate = Asked()
        self.handles = Handles(cast("Gate", self.gate))

    def open(self, view: Piece, caller: Caller = ME, size: int | None = None) -> int:
        entry = EntryAttributes()
        entry.st_size = view.size if size is None else size
        held = Inode(7, InodeIdentity(NODE, caller.uid, 1), caller, entry)
        return self.handles.add(handles.open_content(held, caller, REQUEST, cast("View", view.hold())))


@pytest.fixture
def world() -> World:
    return World()


@contextmanager
def refused(number: int) -> Iterator[None]:
    with pytest.raises(FUSEError) as raised:
        yield
    assert raised.value.errno == number


def test_handles_are_bounded_for_each_uid_and_come_back(world: World) -> None:
    view = Piece(10)
    opened = [world.open(view) for _ in range(handles.MOST_HANDLES)]
    with refused(errno.ENFILE):
        world.open(view)
    with refused(errno.ENFILE):
        world.handles.add(Listing(ROOT, ME, ()))
    world.handles.remove(world.open(view, OTHER))
    assert view.holders == 1 + handles.MOST_HANDLES
    for handle in opened:
        world.handles.remove(handle)
    assert (view.holders, len(world.handles)) == (1, 0)
    world.handles.remove(world.open(view))


def test_views_are_bounded_in_number_and_the_same_one_counts_once(world: World) -> None:
    views = [Piece(10) for _ in range(handles.MOST_VIEWS + 1)]
    opened = [world.open(view) for view in views[:-1] for _ in range(2)]
    with refused(errno.ENFILE):
        world.open(views[-1])
    assert views[-1].holders == 1
    world.open(views[-1], OTHER)
    world.handles.remove(opened[0])
    with refused(errno.ENFILE):
        world.open(views[-1])
    world.handles.remove(opened[1])
    world.open(views[-1])


def test_memory_is_bounded_and_one_view_is_let_through_whatever_its_size(world: World) -> None:
    big, half = Piece(2 * handles.MOST_BYTES), Piece(handles.MOST_BYTES // 2)
    handle = world.open(big)
    with refused(errno.ENFILE):
        world.open(Piece(1))
    world.open(big)
    world.handles.remove(handle)
    for view in (half, half, Piece(handles.MOST_BYTES // 2)):
        world.open(view, OTHER)
    with refused(errno.ENFILE):
        world.open(Piece(1), OTHER)


def test_a_read_is_decided_anew_and_a_refused_handle_is_on_the_log_once(world: World) -> None:
    handle = world.open(Piece(10))
    assert world.handles.file(handle).extent == Extent(0, 10)
    world.gate.allowed = False
    with pytest.raises(NotApproved):
        world.handles.file(handle)
    for _ in range(5):
        with refused(errno.EACCES):
            world.handles.file(handle)
    assert world.gate.refused == 1
    world.gate.allowed = True
    assert world.handles.file(handle).caller == ME


def test_a_handle_shows_as_much_as_the_kernel_was_told_and_grows_when_that_does(world: World) -> None:
    short, long = Piece(10), Piece(25)
    first, second = world.open(short), world.open(long, size=10)
    assert [world.handles.file(each).extent.size for each in (first, second)] == [10, 10]
    entry = EntryAttributes()
    entry.st_size = 25
    world.handles.advance(Inode(7, InodeIdentity(NODE, ME.uid, 1), ME, entry), cast("View", long))
    assert [world.handles.file(each).extent.size for each in (first, second)] == [25, 25]
    assert (short.holders, long.holders) == (1, 3)
    for handle in (first, second):
        world.handles.remove(handle)
    assert (short.holders, long.holders) == (1, 1)


def test_a_view_that_is_shorter_than_what_was_told_is_stale(world: World) -> None:
    view = Piece(10)
    with refused(errno.ESTALE):
        world.open(view, size=11)
    assert view.holders == 1


@pytest.mark.parametrize(
    ("start", "size", "is_for_pages"),
    [
        (0, 1, True),
        (0, 2, True),
        (1, 1, True),
        (0, 3, False),  # the kernel asks for no page behind the one of the end
        (2, 1, False),
    ],
)
def test_whole_pages_of_a_text_may_be_for_the_kernel_to_keep(start: int, size: int, *, is_for_pages: bool) -> None:
    piece = Extent(100, 100 + PAGESIZE + 1)
    assert handles.is_for_pages(piece, start * PAGESIZE, size * PAGESIZE) is is_for_pages
    assert not handles.is_for_pages(piece, start * PAGESIZE + 1, size * PAGESIZE)
    assert not handles.is_for_pages(piece, start * PAGESIZE, size * PAGESIZE - 1)
    assert not handles.is_for_pages(Extent(0, 0), start * PAGESIZE, size * PAGESIZE)

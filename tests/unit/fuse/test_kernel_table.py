"""What the kernel holds: inodes for each node, reader and content, counted, with numbers that nobody can guess."""

import pytest
from pyfuse3 import EntryAttributes

from envfs.core.access.caller import Caller
from envfs.fuse.kernel_table import Inode, InodeIdentity, KernelTable
from envfs.fuse.nodes import ROOT, Node, NodeKind

ME = Caller(1000, 1000, 42)
ENV, SHOP = Node(NodeKind.DOTENV, "/shop"), Node(NodeKind.FOLDER, "/shop")
IDENTITIES = [
    InodeIdentity(SHOP, 1000),
    InodeIdentity(SHOP, 1001),
    InodeIdentity(ENV, 1000, 1),
    InodeIdentity(ENV, 1000, 2),
    InodeIdentity(ENV, 1001, 1),
    InodeIdentity(ENV, 1000, ("digest",)),
    InodeIdentity(Node(NodeKind.DOTENV, "/shop", 0, "node"), 1000, 1),
    InodeIdentity(Node(NodeKind.VALUE, "/shop", 0, "A"), 1000, 1),
]


def inode(table: KernelTable, identity: InodeIdentity) -> Inode:
    return Inode(table.number(identity), identity, ME, EntryAttributes())


def test_each_node_reader_and_content_is_an_inode_of_its_own_and_stays_it() -> None:
    table = KernelTable(ME)
    numbers = [table.number(identity) for identity in IDENTITIES]
    assert len(set(numbers)) == len(IDENTITIES)
    for identity in IDENTITIES:
        table.looked_up(inode(table, identity))
    for number in numbers:
        table.forget(number, 1)
    assert [table.number(identity) for identity in IDENTITIES] == numbers


def test_the_root_is_one_inode_for_all_with_the_number_that_the_kernel_expects() -> None:
    table = KernelTable(ME)
    assert table[1].node == ROOT
    assert table.identity(ROOT, 1000) == table.identity(ROOT, 1001) == table[1].identity
    assert table.number(table.identity(ROOT, 7)) == 1
    table.looked_up(table[1])
    table.forget(1, 1)
    assert table[1].node == ROOT


def test_numbers_are_spread_over_53_bits_and_are_others_in_each_mount() -> None:
    tables = [KernelTable(ME) for _ in range(2)]
    numbers = [[table.number(InodeIdentity(ENV, uid, 1)) for uid in range(500)] for table in tables]
    assert not set(numbers[0]) & set(numbers[1])
    for each in numbers:
        assert len(set(each)) == 500
        assert 1 < min(each) < 1 << 48 < 1 << 52 < max(each) < 1 << 53
    assert tables[0].generation != tables[1].generation


def test_an_inode_is_held_until_it_was_forgotten_as_often_as_it_was_looked_up() -> None:
    table = KernelTable(ME)
    held = inode(table, IDENTITIES[2])
    for _ in range(3):
        table.looked_up(held)
    table.forget(held.number, 2)
    assert table[held.number] is held
    assert table.find(held.identity) is held
    table.forget(held.number, 1)
    assert table.find(held.identity) is None
    with pytest.raises(KeyError):
        table[held.number]
    table.forget(held.number, 7)
    assert [each.number for each in table] == [1]


def test_what_is_refreshed_is_told_from_then_on_and_is_no_look_up() -> None:
    table = KernelTable(ME)
    held = inode(table, IDENTITIES[2])
    table.looked_up(held)
    newer = held._replace(entry=EntryAttributes())
    assert table.refreshed(newer) is newer.entry
    assert table[held.number] is newer
    table.forget(held.number, 1)
    table.refreshed(newer)
    assert table.find(held.identity) is None


def test_a_placeholder_is_like_no_other_inode() -> None:
    table = KernelTable(ME)
    first, second = (InodeIdentity(ENV, 1000, table.new_placeholder()) for _ in range(2))
    assert len({table.number(each) for each in (first, second, *IDENTITIES)}) == 2 + len(IDENTITIES)
    assert inode(table, first).is_placeholder
    assert not inode(table, IDENTITIES[2]).is_placeholder


@pytest.mark.parametrize("number", [0, 2, -1, 1 << 63])
def test_a_number_that_was_never_told_is_nobodys(number: int) -> None:
    with pytest.raises(KeyError):
        KernelTable(ME)[number]

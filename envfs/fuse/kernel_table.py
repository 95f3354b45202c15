"""The kernel's own picture of the mount: its inodes, counted as the kernel counts them.

An inode stands for one node, one reader and one content. So the kernel's pages, sizes and watches of an inode are of
one reader alone, and are filled by one text alone, whatever is opened, written or revoked later (docs/design.md §5).

Laws: the number of an inode cannot be guessed, and never stands for anything else while the mount lives. The count is
the kernel's own (`nlookup`): one more for each answered look-up or listed entry, fewer at `forget`. An inode that is
forgotten leaves the table. The root is the one inode that all readers share.
"""

import hashlib
import itertools
import os
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from pyfuse3 import ROOT_INODE, EntryAttributes

from envfs.core.access.caller import Caller
from envfs.fuse.nodes import ROOT, Node

_BITS = 53  # as many as a program that keeps numbers as floats can tell apart
_NOBODY = -1  # the root belongs to no reader


class InodeIdentity(NamedTuple):
    """The identity of an inode: a node, the uid of its reader, and the content. None for a folder."""

    node: Node
    uid: int
    content: Hashable = None


class Placeholder(NamedTuple):
    """The content of an inode that stands for a name alone: it can be watched by nobody and opened by nobody."""

    serial: int


class Inode(NamedTuple):
    """One inode: its number, what it stands for, who looked it up last, and what the kernel was told of it."""

    number: int
    identity: InodeIdentity
    caller: Caller
    entry: EntryAttributes

    @property
    def node(self) -> Node:
        """The node that it shows."""
        return self.identity.node

    @property
    def is_placeholder(self) -> bool:
        """Tell whether it stands for a name alone."""
        return isinstance(self.identity.content, Placeholder)


class KernelTable:
    """The inodes that the kernel holds. The root is always among them."""

    def __init__(self, owner: Caller) -> None:
        """Start with the root alone, which `owner` looked up."""
        self._secret = os.urandom(32)
        self.generation = int.from_bytes(os.urandom(4))
        self._serials = itertools.count(1)
        root = InodeIdentity(ROOT, _NOBODY)
        self._times: dict[int, int] = {}
        self._inodes = {ROOT_INODE: Inode(ROOT_INODE, root, owner, EntryAttributes())}
        self._numbers = {root: ROOT_INODE}

    def __getitem__(self, number: int) -> Inode:
        """Return an inode by its number. KeyError if the kernel does not hold it."""
        return self._inodes[number]

    def __len__(self) -> int:
        """Return how many inodes the kernel holds."""
        return len(self._inodes)

    def __iter__(self) -> Iterator[Inode]:
        """Return the inodes, the root first, then those that the kernel holds the longest."""
        return iter(list(self._inodes.values()))

    def find(self, identity: InodeIdentity) -> Inode | None:
        """Return the inode of an identity, if the kernel holds it."""
        number = self._numbers.get(identity)
        return None if number is None else self._inodes[number]

    def held(self, node: Node, uid: int, content: Hashable = None) -> Inode | None:
        """As `find`, for anything but the root, by the parts of its identity. Made for each look-up: it makes none."""
        number = self._numbers.get((node, uid, content))  # type: ignore[call-overload]  # equal to the identity
        return None if number is None else self._inodes[number]

    def as_held(self, inode: Inode) -> Inode:
        """Return an inode of a while ago as it is now: what the kernel was told since is never taken back."""
        return self._inodes.get(inode.number, inode)

    def identity(self, node: Node, uid: int, content: Hashable = None) -> InodeIdentity:
        """Return what an inode for a reader stands for. The root is one for all."""
        return InodeIdentity(node, uid, content) if node is not ROOT and node != ROOT else InodeIdentity(ROOT, _NOBODY)

    def new_placeholder(self) -> Placeholder:
        """Return a content that stands for a name alone, another one each time."""
        return Placeholder(next(self._serials))

    def number(self, identity: InodeIdentity) -> int:
        """Return the number of an identity, the same as long as the mount lives.

        It is 53 bits of BLAKE2b (RFC 7693) with a key that this process alone has.
        """
        if identity.node == ROOT:
            return ROOT_INODE
        digest = hashlib.blake2b(repr(identity).encode(errors="surrogateescape"), key=self._secret, digest_size=8)
        number = int.from_bytes(digest.digest()) >> (64 - _BITS)
        taken = self._inodes.get(number)
        while number <= ROOT_INODE or (taken is not None and taken.identity != identity):
            number = (number + 2) % (1 << _BITS)
            taken = self._inodes.get(number)
        return number

    # -- what the kernel does ------------------------------------------------------------------------------------------

    def looked_up(self, inode: Inode) -> EntryAttributes:
        """Note that the kernel was told of an inode once more. Returns what it is told."""
        number = inode.number
        if self._inodes.get(number) is not inode:
            self._inodes[number] = inode
            self._numbers[inode.identity] = number
        self._times[number] = self._times.get(number, 0) + 1
        return inode.entry

    def entry(self, number: int) -> EntryAttributes | None:
        """Return what the kernel was told of an inode, if it holds it."""
        inode = self._inodes.get(number)
        return None if inode is None else inode.entry

    def looked_up_again(self, inode: Inode, caller: Caller) -> bool:
        """As `looked_up`, by another caller, for an inode of a while ago. False if it is told otherwise by now."""
        number, identity, _, entry = inode
        held = self._inodes.get(number)
        if held is None or held.entry is not entry:
            return False
        if held.caller is not caller:
            self._inodes[number] = Inode(number, identity, caller, entry)
        self._times[number] += 1
        return True

    def refreshed(self, inode: Inode) -> EntryAttributes:
        """Note what the kernel is told of an inode that it holds. Returns that."""
        if inode.number in self._inodes:
            self._inodes[inode.number] = inode
        return inode.entry

    def forget(self, number: int, times: int) -> None:
        """Note that the kernel takes `times` look-ups back."""
        if number == ROOT_INODE or number not in self._times:
            return
        self._times[number] -= times
        if self._times[number] <= 0:
            del self._times[number], self._numbers[self._inodes.pop(number).identity]

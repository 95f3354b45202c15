"""The names that the kernel remembers, on a mount that it admits one user to: their look-ups cost nothing for a while.

Laws:
- A name is remembered only while its look-up has the same answer for every process of that user: all rules in force
  name users and nothing else, none of them asks a person, and their files are watched. Never past the end of a rule.
- Whatever can change such an answer calls `forget` before it is answered itself. The kernel takes that at once and
  waits for nothing: by one number that counts up, each name that it was told before is asked for again.
- No open, no read and no refusal is remembered. A name that is not there is asked for each time.
- Where the kernel cannot forget like that (before Linux 6.16), nothing is remembered.
"""

import errno
import math
import os
import struct
from collections.abc import Callable, Hashable

from envfs.core.access.policy import Policy
from envfs.fuse.kernel_table import Inode
from envfs.fuse.touching import Touching
from envfs.gate.gate import Gate
from envfs.host import clocks, mounts

_SECONDS = 1.0
# a message to the kernel that answers no question (fuse(4), struct fuse_out_header): its length, its code, no question
_INCREASE_EPOCH = 8
_FORGET_ALL = struct.pack("=IiQ", 16, _INCREASE_EPOCH, 0)
_MOST_SENT_BACK = 1024


class KernelNames:
    """For how long the kernel may remember a name of one mount, and how it is made to forget all of them."""

    def __init__(self, gate: Gate, touching: Touching, device: Callable[[], int], *, for_one: bool) -> None:
        """Let names be remembered as the rules of `gate` are. `device` is what the kernel is told by, or -1.

        `for_one`: the kernel admits one user, and nobody else, root included. Otherwise nothing is remembered ever.
        """
        self._gate = gate
        self._touching = touching
        touching.before = self.forget
        self._device = device
        self.is_on = for_one and not mounts.are_open_to_root()
        self.is_watched = False  # whether a change of the rules by hand would be heard of
        self._may_be_told = False  # since the last time that the kernel forgot
        self._policy: Policy | None = None
        self._until = -math.inf
        self._sent_back: dict[int, Hashable] = {}

    def told(self, inode: Inode) -> Inode:
        """Return an inode whose entry, as the answer to a look-up, says for how long it may be remembered."""
        if self.is_on:
            inode.entry.entry_timeout = 0.0 if inode.is_placeholder else self._seconds()
        return inode

    def forget(self) -> None:
        """Have the kernel ask for each name again, also for those that it is being told. Any thread may do it."""
        if self.is_on:
            self._may_be_told = False
            self._make_stale()

    def is_behind(self, inode: Inode, newest: Hashable) -> bool:
        """Tell whether an open came by a remembered name of what was replaced since. Then the name is forgotten.

        Once for each inode and `newest` content: who opens it by a descriptor asks a second time, and is to get it.
        """
        if not self._may_be_told or self._sent_back.get(inode.number, self) == newest:
            return False
        if len(self._sent_back) >= _MOST_SENT_BACK:
            self._sent_back.clear()
        self._sent_back[inode.number] = newest
        self.forget()
        return True

    def _seconds(self) -> float:
        if not self.is_watched or self._touching.is_under_way:  # which goes by names that stand for other inodes
            return 0.0
        policy = self._gate.policy_if_safe()
        if policy is not self._policy:
            self._policy, self._until = policy, -math.inf
            self.forget()
            if policy is not None and policy.names_users_alone and self._make_stale():
                self._until = policy.next_end(clocks.boot_seconds())
        if self._until == math.inf:
            self._may_be_told = True
            return _SECONDS
        left = self._until - clocks.boot_seconds()
        if left <= 0.0:
            self._policy = None  # another rule may end next
            return 0.0
        self._may_be_told = True
        return min(_SECONDS, left)

    def _make_stale(self) -> bool:
        try:
            return os.write(self._device(), _FORGET_ALL) == len(_FORGET_ALL)
        except OSError as error:  # there is no loop yet, or no mount any more
            self.is_on &= error.errno != errno.EINVAL  # this kernel does not know the message
            return False

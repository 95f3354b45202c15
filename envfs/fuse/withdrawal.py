"""Pages and names that the kernel keeps for a reader go with the reader's grant: at a revocation, a lock, its end.

Laws: the decision comes first, so that nothing fills a page again after it went. The kernel is told by a thread, since
it may wait for a read that is under way, and that read waits for the loop.
"""

from contextlib import suppress
from typing import NoReturn

import pyfuse3
import trio

from envfs.fuse.held_files import HeldFiles
from envfs.fuse.kernel_names import KernelNames
from envfs.gate.gate import Gate
from envfs.host import clocks

_LOOK_AGAIN = 1.0  # for settings edited by hand, and for a machine that slept


class Withdrawal:
    """Takes pages back in one mount."""

    def __init__(self, held: HeldFiles, names: KernelNames, gate: Gate) -> None:
        """Take back `names`, and what `held` lists as `gate` decides now."""
        self._held = held
        self._names = names
        self._gate = gate
        self._changed = trio.Event()
        self._one_at_a_time = trio.Lock()
        self._standing = gate.standing()

    async def after_lock(self) -> None:
        """Take back every page: whatever was locked, a page that is still approved is read again."""
        self._names.forget()
        await _drop(self._held.everything())

    async def after_revoke(self) -> None:
        """Take back the pages of all readers whose grant is gone. When this returns, they are gone."""
        await self._take_back()
        self._changed.set()

    async def run(self) -> NoReturn:
        """Take pages back when a grant ends."""
        while True:
            left = self._standing.until - clocks.boot_seconds()
            with trio.move_on_after(max(0.0, min(left, _LOOK_AGAIN))):
                await self._changed.wait()
            self._changed = trio.Event()
            if self._gate.standing() != self._standing:
                await self._take_back()

    async def _take_back(self) -> None:
        async with self._one_at_a_time:  # when the second is done, so is what the first began
            self._standing = self._gate.standing()
            self._names.forget()
            # those too that were taken back before: between two looks a grant may have come and gone
            # the root for the list of its readers
            await _drop([*self._held.withdrawn(), pyfuse3.ROOT_INODE])


async def _drop(numbers: list[int]) -> None:
    if numbers:
        await trio.to_thread.run_sync(_invalidate, numbers, abandon_on_cancel=True)


def _invalidate(numbers: list[int]) -> None:
    for number in numbers:
        with suppress(OSError):  # the kernel has forgotten it by itself
            pyfuse3.invalidate_inode(number, attr_only=False)

"""The mount shared fairly: a crowd of one user, or of one program's threads, keeps no other reader waiting.

The kernel asks in the order in which readers came, each of which waits for its answer. That is fair as long as each
process is one reader. Where several users ask at the same time, or one process by many threads beside others, the
questions are taken from the kernel as soon as they come and answered one user after the other, one process after the
other. That costs some turns of the loop for each, so it is done only then.

Law: one who waits here has made way for the next question.
"""

from collections.abc import Callable
from typing import NoReturn

import trio

from envfs.core.access.caller import Caller
from envfs.fuse import loop
from envfs.gate.fair_queue import Asker, FairQueue
from envfs.gate.gathering import Gathering

_WINDOW = 0.1
_READ_FIRST = 128  # questions taken from the kernel before the next one is answered, at most


class Sharing:
    """Whose question to the mount is next. `process_of` gives the process that a thread is of.

    `recent` are the threads that asked in this window: of one of these nothing more needs to be noted.
    """

    def __init__(self, process_of: Callable[[int], int]) -> None:
        """Start without a crowd."""
        self.is_crowded = False
        self.recent: set[int] = set()
        self.gathering = Gathering()
        self._process_of = process_of
        self._queue: FairQueue[trio.Event] = FairQueue()
        self._come, self._noted = trio.Event(), trio.Event()
        self._processes: dict[Asker, None] = {}  # that asked in this window, in their order
        self._was_crowded = self._is_running = False

    async def run(self) -> NoReturn:
        """Let those who wait go on, for ever."""
        self._is_running = True
        while True:
            await self._come.wait()
            read = 0
            while self._queue.waiting:
                await trio.lowlevel.checkpoint()
                if read < _READ_FIRST and loop.is_asked():
                    read += 1
                    continue
                read = 0
                following = self._queue.take()
                if following is not None:
                    following[1].set()
            self._come = trio.Event()

    async def watch(self) -> NoReturn:
        """Forget who asked once it is a while ago, for ever. Idle where nobody asks."""
        while True:
            await self._noted.wait()
            await trio.sleep(_WINDOW)
            self.recent.clear()
            self._processes.clear()
            self.is_crowded, self._was_crowded = self._was_crowded and self._is_running, False
            if not self.is_crowded:
                self._noted = trio.Event()

    def note(self, uid: int, thread: int) -> None:
        """Take note of one who asks and is not among the recent."""
        self.recent.add(thread)
        self._noted.set()
        processes = self._processes
        processes[Asker(uid, self._process_of(thread))] = None
        has_threads = len(self.recent) > len(processes)
        if len(processes) > 1 and (has_threads or next(iter(processes)).uid != uid):
            self._was_crowded = True
            self.is_crowded = self._is_running

    async def wait_turn_of(self, caller: Caller) -> None:
        """Wait, in a crowd, until it is the turn of the one that opened what is asked about."""
        if self.is_crowded:
            await self.wait_turn(caller.uid, caller.pid)

    async def wait_turn(self, uid: int, thread: int) -> None:
        """Wait until it is the turn of the one who asks."""
        loop.make_way()
        asker, granted = Asker(uid, self._process_of(thread)), trio.Event()
        self._queue.add(asker, granted)
        self._come.set()
        try:
            await granted.wait()
        except BaseException:
            if not granted.is_set():
                self._queue.remove(asker, granted)
            raise

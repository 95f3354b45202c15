"""Turns at what is scarce, shared between users: one with a thousand requests does not keep the others waiting.

Laws: a turn is taken before anything is gathered for a request, so that memory is bounded by the turns. Users who wait
get turns one after the other, and so do the processes of one user. Neither has all turns, and both wait in bounds.
Code between two awaits is atomic. Shared are `_free`, `_taken`, `_queue` and `_holders`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Protocol

import trio

from envfs.errors import TooMany
from envfs.gate.fair_queue import THE_DAEMON, Asker, FairQueue, Tally
from envfs.host.evidence.process_files import process_of

AT_ONCE = 4
_OF_ONE = 3
_MOST_WAITING = 1024  # for each user. A task that waits costs some kilobytes


class Asking(Protocol):
    """One who asks. `pid` may be that of a thread."""

    @property
    def uid(self) -> int:
        """Whose process it is."""
        ...

    @property
    def pid(self) -> int:
        """Which one."""
        ...


asker: ContextVar[Asking] = ContextVar("asker", default=THE_DAEMON)


class Turns:
    """At most `at_once` turns in all, `of_one` of one user, and one less of one process where that leaves one."""

    def __init__(self, at_once: int = AT_ONCE, of_one: int = _OF_ONE, most_waiting: int = _MOST_WAITING) -> None:
        """Start with all turns free."""
        self._free = at_once
        self._of_one = of_one
        self._of_one_process = max(1, of_one - 1)
        self._most_waiting = most_waiting
        self._most_waiting_of_one_process = max(1, most_waiting * 3 // 4)
        self._taken = Tally()
        self._queue: FairQueue[trio.Event] = FairQueue()
        self._holders: set[trio.lowlevel.Task] = set()

    @property
    def is_idle(self) -> bool:
        """Tell whether nobody has a turn, or waits for one."""
        return not len(self._taken)

    @asynccontextmanager
    async def take(self, who: Asker | None = None) -> AsyncIterator[None]:
        """Have a turn for the block, as `who` or the one in `asker`. A task that has one keeps it and takes no second.

        Raises:
            TooMany: this user, or one process of this user's, has too many requests waiting
        """
        task = trio.lowlevel.current_task()
        if task in self._holders:
            yield
            return
        asking = asker.get() if who is None else who
        who = Asker(asking.uid, process_of(asking.pid))
        await self._wait(who)
        self._holders.add(task)
        try:
            yield
        finally:
            self._holders.discard(task)
            self._give_back(who)

    async def _wait(self, who: Asker) -> None:
        if self._free and self._may(who) and not self._queue.waiting[who]:
            self._grant(who)
            return
        waiting = self._queue.waiting
        if waiting[who.uid] >= self._most_waiting or waiting[who] >= self._most_waiting_of_one_process:
            raise TooMany("this user has too many requests waiting", "try again in a moment")
        granted = trio.Event()
        self._queue.add(who, granted)
        try:
            await granted.wait()
        except BaseException:
            if granted.is_set():
                self._give_back(who)
            else:
                self._queue.remove(who, granted)
            raise

    def _may(self, who: Asker) -> bool:
        return self._taken[who.uid] < self._of_one and self._taken[who] < self._of_one_process

    def _grant(self, who: Asker) -> None:
        self._free -= 1
        self._taken.add(who, 1)

    def _give_back(self, who: Asker) -> None:
        self._free += 1
        self._taken.add(who, -1)
        while self._free and (following := self._queue.take(self._may)) is not None:
            next_one, granted = following
            self._grant(next_one)
            granted.set()

"""Turns at the keyholder, shared between users: a user with a thousand requests does not keep the others waiting.

Laws: a turn is taken before anything is gathered for a request, so that memory is bounded by the turns; users who wait
get turns one after the other, whatever each has waiting; one user never has all turns, and waits in bounds.
Code between two awaits is atomic; shared are `_free`, `_taken` and `_waiting`.
"""

from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import trio

from envfs.errors import TooMany

AT_ONCE = 4
_OF_ONE = 3
_MOST_WAITING = 1024  # for each user; a task that waits costs some kilobytes
_THE_DAEMON = -1  # who asks where no user does

asker: ContextVar[int] = ContextVar("asker", default=_THE_DAEMON)
_holder: ContextVar[object] = ContextVar("holder", default=None)


class Turns:
    """At most `at_once` turns in all, and `of_one` of one user."""

    def __init__(self, at_once: int = AT_ONCE, of_one: int = _OF_ONE, most_waiting: int = _MOST_WAITING) -> None:
        """Start with all turns free."""
        self._free = at_once
        self._of_one = of_one
        self._most_waiting = most_waiting
        self._taken: Counter[int] = Counter()
        self._waiting: dict[int, deque[trio.Event]] = {}  # the user whose turn is next comes first

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Have a turn for the block, as the user in `asker`; a task that has one keeps it and takes no second.

        Raises:
            TooMany: this user has too many requests waiting
        """
        task = trio.lowlevel.current_task()
        if _holder.get() is task:
            yield
            return
        uid = asker.get()
        await self._wait(uid)
        before = _holder.set(task)
        try:
            yield
        finally:
            _holder.reset(before)
            self._give_back(uid)

    async def _wait(self, uid: int) -> None:
        if self._free and self._taken[uid] < self._of_one and uid not in self._waiting:
            self._free -= 1
            self._taken[uid] += 1
            return
        queue = self._waiting.setdefault(uid, deque())
        if len(queue) >= self._most_waiting:
            raise TooMany("this user has too many requests waiting", "try again in a moment")
        granted = trio.Event()
        queue.append(granted)
        try:
            await granted.wait()
        except BaseException:
            if granted.is_set():
                self._give_back(uid)
            else:
                self._leave(uid, granted)
            raise

    def _leave(self, uid: int, granted: trio.Event) -> None:
        queue = self._waiting[uid]
        queue.remove(granted)
        if not queue:
            del self._waiting[uid]

    def _give_back(self, uid: int) -> None:
        self._free += 1
        self._taken[uid] -= 1
        if not self._taken[uid]:
            del self._taken[uid]
        while self._free and (following := self._following()) is not None:
            self._grant(following)

    def _following(self) -> int | None:
        return next((uid for uid in self._waiting if self._taken[uid] < self._of_one), None)

    def _grant(self, uid: int) -> None:
        queue = self._waiting.pop(uid)
        queue.popleft().set()
        self._free -= 1
        self._taken[uid] += 1
        if queue:
            self._waiting[uid] = queue  # last now: whoever else waits comes first

"""Evidence that takes its time is gathered by threads, while the caller waits and everybody else is answered.

Laws: one thread at a time for each uid. A process can let a thread wait for as long as it likes, and it keeps others of
its own user waiting by that. No question waits for longer than a limit. Then it is repeated from its beginning, so that
nothing is decided by what was seen before the wait. Evidence that was not gathered by then tells nothing.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from envfs.host.evidence.unfinished import Unfinished, has_time

R = TypeVar("R")
_SECONDS = 3.0


class Gathering:
    """The threads that gather, by the uid that they gather for."""

    def __init__(self) -> None:
        """Start with none."""
        self._turns: dict[int, trio.CapacityLimiter] = {}

    async def repeat(self, question: Callable[[], Awaitable[R]], unfinished: Unfinished, uid: int) -> R:
        """Answer a question of a uid that needs something which is not finished, once that is."""
        until, more = trio.current_time() + _SECONDS, unfinished
        while trio.current_time() < until:
            with trio.move_on_at(until):
                await self._finish(more, uid)
            try:
                return await question()
            except Unfinished as another:
                more = another
        without = has_time.set(False)
        try:
            return await question()
        finally:
            has_time.reset(without)

    async def look(self, work: Callable[[], R], uid: int) -> R | None:
        """Return what a thread makes of a look at a process of a uid. None if that takes longer than the limit."""
        turn = self._turns.setdefault(uid, trio.CapacityLimiter(1))
        try:
            with trio.move_on_after(_SECONDS):
                return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=turn)
        finally:
            self._forget(uid, turn)
        return None

    async def _finish(self, unfinished: Unfinished, uid: int) -> None:
        turn = self._turns.setdefault(uid, trio.CapacityLimiter(1))
        try:
            await trio.to_thread.run_sync(unfinished.finish, abandon_on_cancel=True, limiter=turn)
        finally:
            self._forget(uid, turn)

    def _forget(self, uid: int, turn: trio.CapacityLimiter) -> None:
        if not turn.borrowed_tokens and not turn.statistics().tasks_waiting:
            self._turns.pop(uid, None)

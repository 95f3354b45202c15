"""How far a request is that takes long, told to its client now and then."""

from collections.abc import Awaitable, Callable

import trio

from envfs.protocol.control import ProgressRow

_SECONDS = 0.5  # between two rows, and before the first: what is quick tells nothing


class Progress:
    """Counts what is done of `total`, and sends it by `tell`."""

    def __init__(self, tell: Callable[[ProgressRow], Awaitable[None]], total: int) -> None:
        """Begin with nothing done."""
        self._tell, self._total, self._done = tell, total, 0
        self._next = trio.current_time() + _SECONDS

    async def advance(self, count: int = 1) -> None:
        """Count some more as done."""
        self._done = min(self._done + count, self._total)
        if trio.current_time() >= self._next:
            self._next = trio.current_time() + _SECONDS
            await self._tell(ProgressRow(self._done, self._total))

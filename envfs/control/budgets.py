"""How much one user may have in the making: requests that hold much memory until their client has read the answer.

Laws: such a request waits before anything is gathered for it; what is small or shared (the state, a view as it is now)
never waits, so a client that takes no answer keeps nobody from those.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from envfs.protocol.control import DescribeView, ListHistory, ListVariables, ReadView

_OF_ONE = 4


class Budgets:
    """One budget for each uid that asks at the moment."""

    def __init__(self) -> None:
        """Start with nobody asking."""
        self._of: dict[int, trio.CapacityLimiter] = {}

    @asynccontextmanager
    async def spend(self, uid: int, request: object) -> AsyncIterator[None]:
        """Wait until a user may have one more such request, and count it for the block."""
        if not _is_large(request):
            yield
            return
        budget = self._of.setdefault(uid, trio.CapacityLimiter(_OF_ONE))
        try:
            async with budget:
                yield
        finally:
            statistics = budget.statistics()
            if not statistics.borrowed_tokens and not statistics.tasks_waiting:
                self._of.pop(uid, None)


def _is_large(request: object) -> bool:
    if isinstance(request, ReadView):
        return request.version != 0
    return isinstance(request, DescribeView | ListVariables | ListHistory)

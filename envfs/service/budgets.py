"""How much one user may have in the making: requests that hold much memory until their client has read the answer.

Laws: such a request waits before anything is gathered for it. One process of a user's never has all that the user may;
what is small or shared (the state, a view as it is now) never waits, so a client that takes no answer keeps nobody from
those.
"""

import resource
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple, Self

from envfs.errors import TooMany
from envfs.gate.fair_queue import Asker
from envfs.gate.turns import Turns
from envfs.protocol.control import (
    CompareLevels,
    CountLog,
    DescribeView,
    ListHistory,
    ListPresence,
    ListVariables,
    ReadLog,
    ReadSharedLog,
    ReadView,
    ScanContent,
    VerifyLog,
    VerifyVault,
    WatchApprovals,
    WatchStatus,
    WatchView,
)

_OF_ONE, _LONG_OF_ONE = 4, 2  # of one process one less
_OF_ALL = 1 << 20  # the connections are the limit
_PER_UID = 64


class Room(NamedTuple):
    """How many connections there may be at once: of one uid, and of all uids but the owner's."""

    of_one: int
    of_others: int

    @property
    def lasting(self) -> int:
        """How many of one uid's may wait for what happens, without an end."""
        return max(1, self.of_one * 3 // 4)

    @classmethod
    def here(cls) -> Self:
        """Take a part of the descriptors that this process may have: the rest is for views, callers and files."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return cls(max(2, min(_PER_UID, descriptors // 16)), max(4, descriptors // 4))


class Budgets:
    """The memory of requests in progress, by user."""

    def __init__(self) -> None:
        """Start with nobody asking."""
        self._large = Turns(_OF_ALL, _OF_ONE, _OF_ALL)
        self._long = Turns(_OF_ALL, _LONG_OF_ONE, _OF_ALL)
        self._lasting: Counter[int] = Counter()
        self._room = Room.here()

    @asynccontextmanager
    async def spend(self, asker: Asker, request: object) -> AsyncIterator[None]:
        """Wait until a user may have one more such request, and count it for the block.

        Raises:
            TooMany: it would have no end, and this user has as many of these as may be
        """
        if _is_lasting(request):
            with self._counted(asker.uid):
                yield
        elif isinstance(request, VerifyLog | VerifyVault):
            async with self._long.take(asker):
                yield
        elif _is_large(request):
            async with self._large.take(asker):
                yield
        else:
            yield

    @contextmanager
    def _counted(self, uid: int) -> Iterator[None]:
        if self._lasting[uid] >= self._room.lasting:
            raise TooMany("this user has too many commands that wait for changes", "end some of them")
        self._lasting[uid] += 1
        try:
            yield
        finally:
            self._lasting[uid] -= 1
            self._lasting += Counter()  # a uid without any is forgotten


def _is_lasting(request: object) -> bool:
    return isinstance(request, WatchView | WatchApprovals | WatchStatus) or (
        isinstance(request, ReadLog) and request.follow
    )


def _is_large(request: object) -> bool:
    if isinstance(request, ReadView):
        return request.version != 0 or request.moment != ""
    listings = (
        DescribeView | CompareLevels | ListPresence | ListVariables | ListHistory | ReadLog | CountLog | ReadSharedLog
    )
    return isinstance(request, listings | ScanContent)

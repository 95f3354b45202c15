"""Those who are told of questions as they are asked and end: the people's side of the board."""

from collections import deque
from typing import NamedTuple

import trio

from envfs.core.approvals.question import Outcome, Question

_MOST_UNREAD = 256  # questions and ends that a watcher may leave unread: the oldest are dropped


class Change(NamedTuple):
    """A question was asked (`outcome` None), or ended. `answered_by` is the uid that answered, -1 if nobody did."""

    question: Question
    outcome: Outcome | None = None
    answered_by: int = -1


class QuestionWatch:
    """One watcher's unread changes."""

    def __init__(self) -> None:
        """Start with nothing unread."""
        self._unread: deque[Change] = deque(maxlen=_MOST_UNREAD)
        self._come = trio.Event()

    def tell(self, change: Change) -> None:
        """Note a change."""
        self._unread.append(change)
        self._come.set()

    async def wait(self) -> None:
        """Wait until there is something unread."""
        await self._come.wait()

    def take(self) -> list[Change]:
        """Return what is unread."""
        unread = list(self._unread)
        self._unread.clear()
        self._come = trio.Event()
        return unread

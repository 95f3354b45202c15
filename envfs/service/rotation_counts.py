"""The numbers of variables that are due, remembered for each user: counting them reads the whole vault.

Law: they are counted again once something was written, and after an hour, in which more may have become due.
"""

from collections.abc import Mapping
from typing import NamedTuple

from envfs.core.rotation import RotationState

_SECONDS = 3600.0
_USERS = 16


class CountedRotations(NamedTuple):
    """A count: after how many writes, how many seconds after the machine's start, and by level and state."""

    written: int
    seconds: float
    counts: Mapping[tuple[str, RotationState], int]


class RotationCountMemory:
    """Remembers the last count of each user."""

    def __init__(self) -> None:
        """Start with none."""
        self._last: dict[int, CountedRotations] = {}

    def remembered(self, uid: int, written: int, seconds: float) -> Mapping[tuple[str, RotationState], int] | None:
        """Return the last count of a user, if it still holds."""
        last = self._last.get(uid)
        if last is None or last.written != written or seconds - last.seconds > _SECONDS:
            return None
        return last.counts

    def remember(self, uid: int, counted: CountedRotations) -> None:
        """Remember a count."""
        if len(self._last) >= _USERS:
            self._last.clear()
        self._last[uid] = counted

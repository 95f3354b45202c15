"""A watch that begins again after each fault, after pauses that grow, until it is stopped."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import trio

from envfs.errors import EnvFSError

_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 15.0


class StandingWatch(ABC):
    """One watch, for one task. Its engine says how it begins, what it hears and how it ends."""

    def __init__(self) -> None:
        """Start without a connection."""
        self._pause = _PAUSE_SECONDS
        self._life = trio.CancelScope()
        self._is_stopped = False
        self.late = ""  # why there are no hints, or why they come late

    async def next(self, prefixes: Sequence[str]) -> list[str] | None:
        """Wait for streams that may have grown, of those that start with one of the prefixes. None after `stop`."""
        while not self._is_stopped:
            with trio.CancelScope() as self._life:
                try:
                    return await self._hints(prefixes)
                except EnvFSError as error:
                    self.late = f"no news arrive: {error.text}"
                    self._end()
                    await trio.sleep(self._pause)
                    self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        return None

    def stop(self) -> None:
        """End the watch, also while it waits."""
        self._is_stopped = True
        self._life.cancel()
        self._end()

    def _has_begun_well(self, late: str = "") -> None:
        self._pause = _PAUSE_SECONDS
        self.late = late

    @abstractmethod
    async def _hints(self, prefixes: Sequence[str]) -> list[str]:
        """Begin if there is no connection, and wait for hints."""

    @abstractmethod
    def _end(self) -> None:
        """Let go of the connection, if there is one."""

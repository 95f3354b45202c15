"""Changes of a folder that is reached by SFTP, which reports none: from a look at the times of all folders.

Law: times of SFTP are whole seconds, so a folder that changed is looked at once more, and once a minute anything may
have come. A look is a few bytes for each folder.
"""

from collections.abc import Awaitable, Callable, Sequence

import trio

from envfs.core import shared_keys
from envfs.courier.engine import EVERYTHING
from envfs.courier.engines.sftp.listing import Times
from envfs.courier.engines.standing_watch import StandingWatch

LOOK_SECONDS = 5.0
_LOOKS_OF_A_MINUTE = 12
_NO_TIME = -1


class SftpWatch(StandingWatch):
    """One watch. Between two looks it asks for nothing."""

    def __init__(self, look: Callable[[Times, frozenset[str]], Awaitable[Times]]) -> None:
        """Look by `look`: it gets the times of before, and the folders in which new ones may be without a new time."""
        super().__init__()
        self._look = look
        self._times: Times = {}
        self._changed: frozenset[str] = frozenset()
        self._looks = 0
        self._has_begun = False

    async def _hints(self, prefixes: Sequence[str]) -> list[str]:
        if not self._has_begun:
            self._times = await self._look({}, frozenset())
            self._changed = frozenset(self._times)
            self._looks = 0
            self._has_begun = True
            self._has_begun_well()
            return [EVERYTHING]
        await trio.sleep(LOOK_SECONDS)
        streams = await self._changes()
        self._looks += 1
        if self._looks % _LOOKS_OF_A_MINUTE == 1 or EVERYTHING in streams:  # the first time too
            return [EVERYTHING]
        return sorted(stream for stream in streams if _is_about(stream, prefixes))

    async def _changes(self) -> frozenset[str]:
        before, changed = self._times, self._changed
        self._times = await self._look(before, changed)
        folders = before | self._times
        self._changed = frozenset(
            folder for folder in folders if self._times.get(folder) != before.get(folder) or folders[folder] == _NO_TIME
        )
        return changed | self._changed

    def _end(self) -> None:
        self._has_begun = False


def _is_about(stream: str, prefixes: Sequence[str]) -> bool:
    return shared_keys.is_shared_stream(stream) and shared_keys.is_within(stream, prefixes)

"""The watch of an engine: hints about this machine's part of the vault, as that part changes.

Laws: a hint is never believed, and only wakes a pass. A part that is another one than before is watched from then on,
and asked for as a whole.
"""

from collections.abc import Callable
from contextlib import suppress

import trio

from envfs.courier.engine import EVERYTHING, Engine
from envfs.errors import EnvFSError
from envfs.service.sharing.partition import Partition


class PartWatch:
    """One watch at a time. `wake` is told of streams that may have grown."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        """Watch nothing yet."""
        self._wake = wake
        self._part: Partition | None = None
        self._scope = trio.CancelScope()

    def follow(self, part: Partition) -> bool:
        """Watch a part of the vault from now on. Tells whether it is another one than before."""
        if part == self._part:
            return False
        self._part = part
        self._scope.cancel()
        self._wake(EVERYTHING)
        return True

    async def listen(self, engine: Engine) -> None:
        """Take hints until the engine has no more."""
        watched: Partition | None = None
        while self._part is not None and watched != self._part:
            watched = self._part
            with trio.CancelScope() as self._scope, suppress(EnvFSError):
                async for stream in engine.watch(watched.prefixes()):
                    if not stream or watched.has(stream):
                        self._wake(stream)
        self._wake(EVERYTHING)  # the next pass finds out whether the engine is still there

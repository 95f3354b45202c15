"""Hints that wait for a reader: each stream once, and everything in place of very many. No reader is waited for."""

import trio

from envfs.courier.engine import EVERYTHING
from envfs.errors import EnvFSError

_MOST = 1000


class PendingHints:
    """Streams that may have grown since they were last taken."""

    def __init__(self) -> None:
        """Begin with none."""
        self._streams: dict[str, None] = {}
        self._changed = trio.Event()
        self._error: EnvFSError | None = None

    def add(self, stream: str) -> None:
        """Add a hint."""
        if stream == EVERYTHING or len(self._streams) >= _MOST:
            self._streams = {EVERYTHING: None}
        elif EVERYTHING not in self._streams:
            self._streams[stream] = None
        self._changed.set()

    def fail(self, error: EnvFSError) -> None:
        """Let the reader have an error after the hints."""
        self._error = error
        self._changed.set()

    async def take(self) -> str:
        """Wait for a hint.

        Raises:
            EnvFSError: there are none any more, for this reason
        """
        while not self._streams:
            if self._error is not None:
                raise self._error
            self._changed = trio.Event()
            await self._changed.wait()
        stream = next(iter(self._streams))
        del self._streams[stream]
        return stream

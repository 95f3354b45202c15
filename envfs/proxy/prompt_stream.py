"""A TCP connection of the proxy: a small piece is written at once, without a turn of the loop for it.

A request has three such turns, of some 40 µs. Fairness needs none here: each loop that writes reads as well, and that
gives others their turn.
"""

import os
from typing import Final

import trio

_SMALL: Final = 1 << 14  # bytes: a turn is little beside the work on more
Bytes = bytes | bytearray | memoryview


class PromptStream(trio.abc.HalfCloseableStream):
    """As `trio.SocketStream`, but for small pieces that there is room for."""

    def __init__(self, socket: trio.socket.SocketType) -> None:
        """Take over a connected socket."""
        self.socket = socket
        self._stream = trio.SocketStream(socket)

    async def send_all(self, data: Bytes) -> None:
        """Send all of the data."""
        sent = send_at_once(self.socket, data) if len(data) <= _SMALL else 0
        if sent < len(data) or not data:
            await self._stream.send_all(memoryview(data)[sent:])

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Send no more."""
        await self._stream.send_eof()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return the next bytes. Nothing at the end."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()


def send_at_once(socket: trio.socket.SocketType, data: Bytes) -> int:
    """Send what there is room for, and return how much that was. A failure is left to the next call."""
    try:
        return os.write(socket.fileno(), data)
    except OSError:
        return 0

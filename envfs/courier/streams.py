"""Messages over a stream: whole ones go out one after another, and whole ones come in."""

import math

import trio

from envfs.errors import BadRequest, StoreUnavailable
from envfs.protocol.courier_requests import MessageDecoder, Packet, encode_message
from envfs.tuples import NamedTuple

_CHUNK = 1 << 16


class MessageStream:
    """One end of a connection. `heard` is when bytes last came."""

    def __init__(self, stream: trio.abc.Stream, kinds: dict[str, type], blob_bytes: int) -> None:
        """Send anything, and take messages of `kinds`."""
        self._stream = stream
        self._decoder = MessageDecoder(kinds, blob_bytes)
        self._lock = trio.StrictFIFOLock()
        self.heard = -math.inf

    async def send(self, message: NamedTuple, *records: bytes) -> None:
        """Send a message whole. A sender that is cancelled on the way ends the connection: half a message helps nobody.

        Raises:
            StoreUnavailable: the other side is gone
        """
        data = encode_message(message, *records)
        async with self._lock:
            is_sent = False
            try:
                await self._stream.send_all(data)
                is_sent = True
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise StoreUnavailable("the connection to the engine has ended") from None
            finally:
                if not is_sent:
                    await trio.aclose_forcefully(self._stream)

    async def receive(self) -> Packet | None:
        """Wait for the next message. None: the other side has ended.

        Raises:
            BadRequest: it is no message, or over a limit
        """
        while True:
            packet = self._decoder.next_packet()
            if packet is not None:
                return packet
            try:
                data = await self._stream.receive_some(_CHUNK)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return None
            if not data:
                return None
            self.heard = trio.current_time()
            self._decoder.feed(bytes(data))

    async def close(self) -> None:
        """End the connection, without waiting for the other side."""
        await trio.aclose_forcefully(self._stream)


def unexpected_message() -> BadRequest:
    """Say that a message has no place here."""
    return BadRequest("a message that has no place here")

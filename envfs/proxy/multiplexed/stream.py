"""One stream of HTTP/2: what came of it and is not taken yet, and what is sent as far as the other side has room.

Law: what waits here is bounded by the window of the stream. It opens by what is taken, and not by what comes.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import h2.connection
import h2.exceptions
import trio

Headers = Sequence[tuple[bytes, bytes]]
_ROUND: Final = 1 << 16  # bytes that are handed over before the sender waits for them to be written


class StreamFailed(Exception):
    """The other side ended the stream before its time, or the connection is gone."""


class StreamLink(Protocol):
    """The connection of a stream."""

    http: h2.connection.H2Connection

    def wake(self) -> None:
        """Have written what is to be sent."""
        ...

    async def written(self) -> None:
        """Wait until the other side took a good part of what is to be sent."""
        ...

    def reset(self, number: int, code: int) -> None:
        """End a stream before its time."""
        ...

    def acknowledge(self, number: int, size: int) -> None:
        """Let the other side send as much again."""
        ...

    def forget(self, stream: "Http2Stream") -> None:
        """Have nothing more to do with a stream."""
        ...


class Http2Stream:
    """A stream of a link. `number` is the one that both sides know."""

    def __init__(self, link: StreamLink, number: int) -> None:
        """Begin."""
        self.number = number
        self._link = link
        self._heads: deque[Headers] = deque()
        self._pieces: deque[tuple[bytes, int]] = deque()
        self._lot = trio.lowlevel.ParkingLot()
        self._is_whole = False  # what comes
        self.has_ended = False  # what is sent
        self.has_failed = False
        self.is_taken = True  # false once the other side said that it did nothing with it
        self.trailers: Headers = ()

    # -- by the link ---------------------------------------------------------------------------------------------------

    def take_head(self, headers: Headers) -> None:
        """Take a head that came."""
        self._heads.append(headers)
        self.ring()

    def take_data(self, data: bytes, size: int) -> None:
        """Take a piece of the body, for which `size` bytes of the window went."""
        self._pieces.append((data, size))
        self.ring()

    def take_end(self) -> None:
        """Nothing more comes."""
        self._is_whole = True
        self.ring()

    def fail(self, *, is_taken: bool = True) -> None:
        """End it before its time."""
        self.is_taken = self.is_taken and is_taken
        self.has_failed = True
        self.ring()

    def ring(self) -> None:
        """Let those look again who wait for something."""
        self._lot.unpark_all()

    # -- by its user ---------------------------------------------------------------------------------------------------

    @property
    def is_whole(self) -> bool:
        """Tell whether all of it came, and is taken."""
        return self._is_whole and not self._pieces

    async def next_head(self) -> Headers:
        """Return the next head.

        Raises:
            StreamFailed: there is none
        """
        while not self._heads:
            if self.has_failed or self._is_whole:
                raise StreamFailed
            await self._lot.park()
        return self._heads.popleft()

    async def receive(self) -> bytes | None:
        """Return the next piece of the body. None at its end.

        Raises:
            StreamFailed: it ends early
        """
        while not self._pieces:
            if self.has_failed and not self._is_whole:
                raise StreamFailed
            if self._is_whole:
                return None
            await self._lot.park()
        data, size = self._pieces.popleft()
        self._link.acknowledge(self.number, size)
        return data

    async def send_head(self, headers: Headers, *, is_last: bool = False) -> None:
        """Send a head.

        Raises:
            StreamFailed: the other side takes none
        """
        self._check()
        try:
            self._link.http.send_headers(self.number, headers, end_stream=is_last)
        except h2.exceptions.H2Error:
            raise StreamFailed from None
        self.has_ended = is_last
        await self._link.written()

    async def send(self, data: bytes) -> None:
        """Send a piece of the body, as fast as the other side takes it.

        Raises:
            StreamFailed: it takes no more
        """
        left, unwritten = memoryview(data), 0
        while left:
            self._check()
            room = self._room()
            if room <= 0:
                self._link.wake()
                await self._lot.park()
                continue
            piece, left = left[:room], left[room:]
            self._send_data(bytes(piece))
            unwritten += len(piece)
            if unwritten >= _ROUND:
                await self._link.written()
                unwritten = 0
        if unwritten:
            await self._link.written()

    async def end(self, trailers: Headers = ()) -> None:
        """End what is sent.

        Raises:
            StreamFailed: the other side takes no more
        """
        if self.has_ended:
            return
        self._check()
        try:
            if trailers:
                self._link.http.send_headers(self.number, trailers, end_stream=True)
            else:
                self._link.http.end_stream(self.number)
        except h2.exceptions.H2Error:
            raise StreamFailed from None
        self.has_ended = True
        await self._link.written()

    def close(self, code: int) -> None:
        """Leave it. With `code` it is ended before its time, unless both sides have ended it."""
        if not self.has_failed and not (self.has_ended and self._is_whole):
            self._link.reset(self.number, code)
        self._link.acknowledge(self.number, sum(size for _, size in self._pieces))
        self._pieces.clear()
        self.has_failed = True
        self._link.forget(self)
        self.ring()

    async def wait_until_failed(self) -> None:
        """Wait until the other side has ended it before its time."""
        while not self.has_failed:
            await self._lot.park()

    def _check(self) -> None:
        if self.has_failed:
            raise StreamFailed

    def _room(self) -> int:
        http = self._link.http
        try:
            return min(http.local_flow_control_window(self.number), http.max_outbound_frame_size)
        except h2.exceptions.H2Error:
            raise StreamFailed from None

    def _send_data(self, data: bytes) -> None:
        try:
            self._link.http.send_data(self.number, data)
        except h2.exceptions.H2Error:
            raise StreamFailed from None

"""A client that speaks HTTP/2: each of its streams is one request, served as one of HTTP/1.1 is.

Laws: a stream that the client gives up takes its request to the host with it. A client that begins and gives up
streams again and again is served no more (CVE-2023-44487).
"""

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from envfs.host.supervision import Tasks, supervised_nursery
from envfs.proxy.multiplexed.heads import Headers, MalformedHead, raw_request, response_headers, trailer_fields
from envfs.proxy.multiplexed.link import Http2Link
from envfs.proxy.multiplexed.stream import Http2Stream, StreamFailed
from envfs.proxy.request_checks import RawRequest, Rejected

NO_ERROR, INTERNAL_ERROR, CALM = 0, 2, 11  # RFC 9113 §7
_MOST_GIVEN_UP: Final = 200
_CONTINUE: Final = 100


class IncomingStream:
    """One request of a client, by the methods that `Incoming` has."""

    def __init__(self, stream: Http2Stream) -> None:
        """Read from a stream and write to it."""
        self._stream = stream
        self._is_expected = False  # that the client is told to go on
        self.is_head = False
        self.has_answered = False
        self.is_before_person = False

    async def read_request(self) -> RawRequest:
        """Return the request, without its body.

        Raises:
            Rejected: it is malformed
        """
        headers = await self._stream.next_head()
        raw = raw_request(headers, is_whole=self._stream.is_whole and not self._stream.trailers)
        self.is_head, self._is_expected = raw.method == "HEAD", bool(raw.values(b"expect"))
        return raw

    async def read_body(self) -> bytes | None:
        """Return the next piece of the body. None at its end.

        Raises:
            Rejected: it ends early
        """
        if self._is_expected:
            self._is_expected = False
            await self.inform(_CONTINUE, ())
        try:
            return await self._stream.receive()
        except StreamFailed:
            raise Rejected(400, "the body of the request ends early") from None

    def trailers(self) -> Headers:
        """Return the trailers that came behind the body.

        Raises:
            Rejected: they are malformed
        """
        try:
            return trailer_fields(self._stream.trailers)
        except MalformedHead:
            raise Rejected(400, "a trailer of the request is malformed") from None

    async def inform(self, status: int, headers: Headers) -> None:
        """Send an interim response (1xx)."""
        await self._stream.send_head(response_headers(status, headers))

    async def respond(self, status: int, headers: Headers, _reason: bytes = b"", *, is_held: bool = False) -> None:
        """Send the head of a response. HTTP/2 has no reason."""
        del is_held  # the head goes with what is written next, if that is at once
        self.has_answered = True
        await self._stream.send_head(response_headers(status, headers))

    async def send_body(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self._stream.send(data)

    async def end(self, trailers: Headers = ()) -> None:
        """End the response."""
        await self._stream.end(trailers)

    async def linger(self) -> None:
        """Nothing has to be read for the client to have the answer."""

    async def wait_until_left(self) -> None:
        """Wait until the client has given the request up."""
        self.is_before_person = True
        try:
            await self._stream.wait_until_failed()
        finally:
            self.is_before_person = False

    def go_on(self) -> bool:
        """A stream has one request."""
        return False

    def close(self) -> None:
        """Leave the stream: half an answer must not look like a whole one."""
        self._stream.close(NO_ERROR if self._stream.has_ended else INTERNAL_ERROR)


class Http2Requests:
    """The requests of one connection. `serve` answers each."""

    def __init__(self, stream: trio.abc.Stream, serve: Callable[[IncomingStream], Awaitable[object]]) -> None:
        """Speak by a stream that TLS has agreed on."""
        self._link = Http2Link(stream, self._begin)
        self._serve = serve
        self._tasks: Tasks | None = None
        self._credit = _MOST_GIVEN_UP

    async def run(self) -> None:
        """Serve requests until the client leaves."""
        async with supervised_nursery() as tasks:
            self._tasks = tasks
            await self._link.run()

    def _begin(self, stream: Http2Stream) -> None:
        if self._tasks is not None:
            self._tasks.run(self._serve_stream, stream)

    async def _serve_stream(self, stream: Http2Stream) -> None:
        incoming = IncomingStream(stream)
        try:
            async with supervised_nursery() as tasks:
                tasks.run(self._end_once_left, stream, incoming, tasks)
                await self._serve(incoming)
                tasks.cancel()
        except StreamFailed:
            pass
        finally:
            self._count(is_given_up=stream.has_failed)
            incoming.close()

    async def _end_once_left(self, stream: Http2Stream, incoming: IncomingStream, tasks: Tasks) -> None:
        await stream.wait_until_failed()
        if not incoming.is_before_person:  # that question is withdrawn first
            tasks.cancel()

    def _count(self, *, is_given_up: bool) -> None:
        self._credit = self._credit - 1 if is_given_up else min(self._credit + 1, _MOST_GIVEN_UP)
        if self._credit < 0:
            self._link.leave(CALM)

"""A host that speaks HTTP/2: each request is a stream of one connection, used as one of HTTP/1.1 is."""

from typing import Final

import h2.exceptions
import trio

from envfs.proxy.multiplexed.heads import Headers, MalformedHead, request_headers, response_head, trailer_fields
from envfs.proxy.multiplexed.link import Http2Link
from envfs.proxy.multiplexed.stream import Http2Stream, StreamFailed
from envfs.proxy.outgoing import NotTaken, ResponseHead, UpstreamFailed

_CANCEL: Final = 8  # RFC 9113 §7
_ENDED = "the host ended the request"


class Http2Host:
    """A connection to a host."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Speak by a stream that TLS has verified."""
        self._link = Http2Link(stream)

    async def run(self) -> None:
        """Read and write until one side leaves."""
        await self._link.run()

    @property
    def is_usable(self) -> bool:
        """Tell whether it takes one more request."""
        return not self._link.is_leaving

    async def begin(self, headers: Headers, *, is_whole: bool) -> Http2Stream:
        """Begin a stream, once the host has a place for it.

        Raises:
            StreamFailed: it takes none
        """
        http = self._link.http
        while self.is_usable:
            if http.open_outbound_streams < http.remote_settings.max_concurrent_streams:
                try:
                    stream = self._link.begin(http.get_next_available_stream_id())
                except h2.exceptions.H2Error:
                    break
                try:
                    await stream.send_head(headers, is_last=is_whole)
                except BaseException:
                    stream.close(_CANCEL)
                    raise
                return stream
            await self._link.wait_for_change()
        raise StreamFailed

    def leave(self) -> None:
        """End it."""
        self._link.leave()


class OutgoingStream:
    """One request to a host, by the methods that `Outgoing` has."""

    def __init__(self, host: Http2Host) -> None:
        """Send by a connection."""
        self._host = host
        self._stream: Http2Stream | None = None
        self._trailers: Headers = ()

    @property
    def _begun(self) -> Http2Stream:
        if self._stream is None:
            raise UpstreamFailed(_ENDED)
        return self._stream

    def _failure(self) -> UpstreamFailed:
        return UpstreamFailed(_ENDED) if self._begun.is_taken else NotTaken(_ENDED)

    async def send_head(self, method: str, target: bytes, headers: Headers) -> None:
        """Send the head of a request.

        Raises:
            NotTaken: the host takes none over this connection
        """
        fields, is_whole = request_headers(method, target, headers)
        try:
            self._stream = await self._host.begin(fields, is_whole=is_whole)
        except StreamFailed:
            raise NotTaken(_ENDED) from None

    async def send_body(self, data: bytes) -> None:
        """Send a piece of the body.

        Raises:
            UpstreamFailed: the host ended the request
        """
        try:
            await self._begun.send(data)
        except StreamFailed:
            raise self._failure() from None

    async def end(self, trailers: Headers = ()) -> None:
        """End the request.

        Raises:
            UpstreamFailed: the host ended it
        """
        try:
            await self._begun.end(trailers)
        except StreamFailed:
            raise self._failure() from None

    async def read_head(self) -> ResponseHead:
        """Return the head of the next response, or interim response.

        Raises:
            UpstreamFailed: there is none
        """
        try:
            status, headers = response_head(await self._begun.next_head())
        except StreamFailed:
            raise self._failure() from None
        except MalformedHead:
            raise UpstreamFailed("the host does not answer in HTTP/2") from None
        return ResponseHead(status, headers)

    async def read_body(self) -> bytes | None:
        """Return the next piece of the body. None at its end.

        Raises:
            UpstreamFailed: it ends early
        """
        try:
            piece = await self._begun.receive()
            if piece is None:
                self._trailers = trailer_fields(self._begun.trailers)
        except StreamFailed:
            raise UpstreamFailed("the response ends early") from None
        except MalformedHead:
            raise UpstreamFailed("the host does not answer in HTTP/2") from None
        return piece

    def has_more(self) -> bool:
        """Nothing is known of it: the connection tells apart frames that came."""
        return False

    def trailers(self) -> Headers:
        """Return the trailers that came behind the body."""
        return self._trailers

    def is_reusable(self) -> bool:
        """A stream has one request."""
        return False

    async def abort(self) -> None:
        """End it, also before its time."""
        if self._stream is not None:
            self._stream.close(_CANCEL)

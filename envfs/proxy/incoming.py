"""The side of a client: requests in, responses out, over any stream (RFC 9112, by h11).

Laws: a head is looked at as bytes before it is parsed. A client that sends its next request before it has the response
is served no more: what two programs count as one request, others may count as two.
"""

import re
import socket
from collections.abc import Sequence
from typing import Final

import h11
import trio

from envfs.proxy.prompt_stream import PromptStream
from envfs.proxy.records import CHUNK, receive
from envfs.proxy.request_checks import MOST_HEAD_BYTES, RawRequest, Rejected, check_bytes

LINGER_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.5
_ESTABLISHED: Final = 1  # tcpi_state, the first byte of tcp_info (tcp(7))
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
Headers = Sequence[tuple[bytes, bytes]]


class Incoming:
    """One connection of a client."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Read from a stream and write to it."""
        self.stream = stream
        self._held = b""
        self.is_head = False  # the request that is served: its response has no body
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)

    async def read_request(self) -> RawRequest | None:
        """Return the next request, without its body. None if the client has left, or may not go on.

        Raises:
            Rejected: it is malformed
        """
        head = b""
        while not _END_OF_HEAD.search(head):
            data = await self.stream.receive_some(CHUNK)
            if not data:
                return None
            head += data
            if len(head) > MOST_HEAD_BYTES and not _END_OF_HEAD.search(head[:MOST_HEAD_BYTES]):
                raise Rejected(431, "the head of the request is too large")
        end = _END_OF_HEAD.search(head)
        check_bytes(head[: end.start()] if end else head)
        self._http.receive_data(head)
        event = self._next_event()
        if not isinstance(event, h11.Request):
            raise Rejected(400, "not a request")
        self.is_head = event.method == b"HEAD"
        headers = tuple((name.lower(), value) for name, value in event.headers.raw_items())
        return RawRequest(event.method.decode(), event.target, headers, event.http_version)

    async def read_body(self) -> bytes | None:
        """Return the next piece of the body. None at its end.

        Raises:
            Rejected: it is malformed, or ends early
        """
        if self._http.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await receive(self.stream))
            elif isinstance(event, h11.Data):
                return bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return None
            else:
                raise Rejected(400, "the body of the request ends early")

    def trailers(self) -> Headers:
        """Trailers of a request are not passed on: a host might take them for headers."""
        return ()

    def _next_event(self) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise Rejected(error.error_status_hint, "the request is malformed") from None

    async def inform(self, status: int, headers: Headers) -> None:
        """Send an interim response (1xx)."""
        await self._send(h11.InformationalResponse(status_code=status, headers=list(headers)))

    async def respond(self, status: int, headers: Headers, reason: bytes = b"", *, is_held: bool = False) -> None:
        """Send the head of a response. With `is_held` it goes with the next piece of the body, also an empty one."""
        response = h11.Response(status_code=status, headers=list(headers), reason=reason)
        if is_held:
            self._held = self._http.send(response) or b""
        else:
            await self._send(response)

    async def send_body(self, data: bytes) -> None:
        """Send a piece of the body."""
        if data or self._held:
            await self._send(h11.Data(data=data))

    async def end(self, trailers: Headers = ()) -> None:
        """End the response."""
        await self._send(h11.EndOfMessage(headers=list(trailers)))

    async def _send(self, event: h11.Event) -> None:
        data = self._held + (self._http.send(event) or b"")
        self._held = b""
        if data:
            await self.stream.send_all(data)

    @property
    def has_answered(self) -> bool:
        """Tell whether the head of a response was sent."""
        return self._http.our_state is not h11.SEND_RESPONSE and self._http.our_state is not h11.IDLE

    async def linger(self) -> None:
        """Let a client that still sends a body read the answer: to close at once would take it away (RFC 9112 §9.6)."""
        if self._http.their_state is not h11.DONE:
            with trio.move_on_after(LINGER_SECONDS):
                while await self.stream.receive_some(CHUNK):
                    pass

    async def wait_until_left(self) -> None:
        """Wait until the client has closed its side of the connection. Nothing is read for that."""
        while is_open(self.stream):  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(_LOOK_SECONDS)

    def early_bytes(self) -> bytes:
        """Return what came behind the request, where the protocol changes."""
        return bytes(self._http.trailing_data[0])

    def go_on(self) -> bool:
        """Be ready for the next request. False if there can be none."""
        if (self._http.our_state, self._http.their_state) != (h11.DONE, h11.DONE) or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return True


def is_open(stream: trio.abc.Stream) -> bool:
    """Tell whether neither side has closed a connection. Nothing is read for that."""
    try:
        return _state(stream) == _ESTABLISHED
    except OSError:
        return False


def _state(stream: trio.abc.Stream) -> int:
    carrying = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    if not isinstance(carrying, PromptStream):
        return _ESTABLISHED
    return carrying.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]

"""HTTP/1.1 to one server, by h11: one request after another on one connection.

Laws: an answer is bounded before it is kept. Anything else than an answer in HTTP is StoreUnavailable, and the
connection is then of no more use.
"""

import select
import ssl
from collections.abc import Sequence
from typing import Final, Self

import h11
import trio

from envfs.courier.address import EngineHost
from envfs.errors import StoreUnavailable

_CHUNK: Final = 1 << 16
_MOST_HEAD_BYTES: Final = 1 << 16
_KEEPALIVE: Final = (
    (trio.socket.SOL_SOCKET, trio.socket.SO_KEEPALIVE, 1),
    (trio.socket.IPPROTO_TCP, trio.socket.TCP_KEEPIDLE, 20),
    (trio.socket.IPPROTO_TCP, trio.socket.TCP_KEEPINTVL, 5),
    (trio.socket.IPPROTO_TCP, trio.socket.TCP_KEEPCNT, 4),
    (trio.socket.IPPROTO_TCP, trio.socket.TCP_USER_TIMEOUT, 20_000),
)
Headers = Sequence[tuple[str, str]]


class HttpConnection:
    """A connection. Its owner uses it for one request at a time, and closes it after any fault."""

    def __init__(self, plain: trio.SocketStream, stream: trio.abc.Stream, host: str) -> None:
        """Use a stream over `plain` to `host`, which goes into each request."""
        self._socket = plain.socket
        self._stream = stream
        self._host = host
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD_BYTES)

    @classmethod
    async def open(cls, endpoint: EngineHost, context: ssl.SSLContext | None) -> Self:
        """Connect, and verify the server where there is a context for it.

        Raises:
            StoreUnavailable: it cannot be reached, or is not the one that the address names
        """
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        try:
            plain = await trio.open_tcp_stream(endpoint.host, endpoint.port)
        except OSError:
            raise StoreUnavailable(f"{host}:{endpoint.port} cannot be reached") from None
        for level, option, value in _KEEPALIVE:
            plain.setsockopt(level, option, value)
        stream: trio.abc.Stream = plain if context is None else await _verified(plain, context, endpoint)
        return cls(plain, stream, f"{host}:{endpoint.port}")

    async def send(self, method: str, target: str, body: bytes = b"", headers: Headers = ()) -> int:
        """Send a request, and return the status of the answer, whose body is then read."""
        own = [("Host", self._host), ("Content-Length", str(len(body))), *headers]
        events = (h11.Request(method=method, target=target, headers=own), h11.Data(data=body), h11.EndOfMessage())
        try:
            await self._stream.send_all(b"".join(self._http.send(event) or b"" for event in events))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise _lost() from None
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event.status_code
            if not isinstance(event, h11.InformationalResponse):
                raise _lost()

    async def read_some(self) -> bytes | None:
        """Return the next piece of the answer. None at its end."""
        event = await self._next()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            return None
        raise _lost()

    async def read_all(self, limit: int) -> bytes:
        """Return the answer, which may have `limit` bytes.

        Raises:
            StoreUnavailable: it has more, or does not come
        """
        pieces, size = list[bytes](), 0
        while (piece := await self.read_some()) is not None:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise StoreUnavailable("the answer of the server is over its limit")
        return b"".join(pieces)

    def go_on(self) -> bool:
        """Be ready for the next request. False if there can be none."""
        if (self._http.our_state, self._http.their_state) != (h11.DONE, h11.DONE) or self._has_ended():
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        """Close the connection at once."""
        self._socket.close()

    def _has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(0))  # nothing was asked, so it can only be the end

    async def _next(self) -> object:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(bytes(await self._stream.receive_some(_CHUNK)))
        except (h11.RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            raise _lost() from None
        return event


async def _verified(plain: trio.SocketStream, context: ssl.SSLContext, endpoint: EngineHost) -> trio.abc.Stream:
    stream = trio.SSLStream(plain, context, server_hostname=endpoint.host, https_compatible=True)
    try:
        await stream.do_handshake()
    except (trio.BrokenResourceError, ssl.SSLError) as error:
        await trio.aclose_forcefully(plain)
        reason = getattr(error.__cause__ or error, "verify_message", "")
        if reason:
            raise StoreUnavailable("the server is not the one that the address names", reason) from None
        raise StoreUnavailable("the server does not agree on TLS", "does it know this member's certificate?") from None
    except BaseException:
        await trio.aclose_forcefully(plain)
        raise
    return stream


def _lost() -> StoreUnavailable:
    return StoreUnavailable("the connection to the server is lost")

"""The side of a host: requests out, responses in, over a stream that TLS has verified (RFC 9112, by h11)."""

from collections.abc import Sequence
from typing import Final

import h11
import trio

from envfs.proxy.incoming import is_open
from envfs.proxy.records import receive
from envfs.proxy.request_checks import MOST_HEAD_BYTES

Headers = Sequence[tuple[bytes, bytes]]
_SWITCHING, _FIRST_FINAL = 101, 200
_IDLE_SECONDS: Final = 3.0  # after which a host may close at any moment: node does after 5


class UpstreamFailed(Exception):
    """A host does not answer, or not in HTTP. `text` says what is wrong."""

    def __init__(self, text: str) -> None:
        """Say what is wrong."""
        super().__init__(text)
        self.text = text


class NotTaken(UpstreamFailed):
    """A host says that it has done nothing with a request, so that it may be sent once more (RFC 9113 §8.7)."""


class ResponseHead:
    """The head of a response. `is_final` if it is no interim one."""

    def __init__(self, status: int, headers: Headers, reason: bytes = b"") -> None:
        """Take what was read."""
        self.status = status
        self.reason = reason
        self.headers = tuple(headers)
        self.is_final = status >= _FIRST_FINAL or status == _SWITCHING

    def value(self, name: bytes) -> bytes:
        """Return the value of a header, or its values as one list. Empty for one that is not there."""
        return b", ".join(value for other, value in self.headers if other == name)


class Outgoing:
    """One connection to a host."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Write to a stream and read from it."""
        self.stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD_BYTES)
        self._is_over = False
        self._trailers: Headers = ()
        self._moment = trio.current_time()  # of the last bytes from the host

    async def send_head(self, method: str, target: bytes, headers: Headers) -> None:
        """Send the head of a request."""
        sent = [pair for pair in headers if pair[0] != b"te"]  # which is about the connection here
        await self._send(h11.Request(method=method, target=target, headers=sent))

    async def send_body(self, data: bytes) -> None:
        """Send a piece of the body."""
        if data:
            await self._send(h11.Data(data=data))

    async def end(self, _trailers: Headers = ()) -> None:
        """End the request. A host might take trailers for headers, so it gets none."""
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            try:
                await self.stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise UpstreamFailed("the host closed the connection") from None

    async def read_head(self) -> ResponseHead:
        """Return the head of the next response, or interim response.

        Raises:
            UpstreamFailed: there is none
        """
        event = await self._next_event()
        if isinstance(event, h11.Response | h11.InformationalResponse):
            headers = tuple((name.lower(), value) for name, value in event.headers.raw_items())
            return ResponseHead(event.status_code, headers, bytes(event.reason))
        raise UpstreamFailed("the host closed the connection")

    async def read_body(self) -> bytes | None:
        """Return the next piece of the body. None at its end.

        Raises:
            UpstreamFailed: it ends early
        """
        event = await self._next_event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            self._trailers = tuple((bytes(name), bytes(value)) for name, value in event.headers)
            return None
        raise UpstreamFailed("the response ends early")

    def has_more(self) -> bool:
        """Tell whether a piece of the body came with what was read already."""
        return bool(self._http.trailing_data[0])

    def trailers(self) -> Headers:
        """Return the trailers that came behind the body."""
        return self._trailers

    async def _next_event(self) -> object:
        while True:
            try:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event
                data = await receive(self.stream)
                self._http.receive_data(data)
                self._is_over = not data
                self._moment = trio.current_time()
            except h11.RemoteProtocolError:
                text = "the host closed the connection" if self._is_over else "the host does not answer in HTTP/1.1"
                raise UpstreamFailed(text) from None
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise UpstreamFailed("the host closed the connection") from None

    def early_bytes(self) -> bytes:
        """Return what came behind the response, where the protocol changes."""
        return bytes(self._http.trailing_data[0])

    def is_reusable(self) -> bool:
        """Tell whether request and response are whole, so that there can be one more.

        More bytes behind the response are no answer to a request that was not sent yet.
        """
        are_whole = (self._http.our_state, self._http.their_state) == (h11.DONE, h11.DONE)
        return are_whole and not self._http.trailing_data[0]

    async def abort(self) -> None:
        """Leave the host, also before its time: half a request must not look like a whole one."""
        await trio.aclose_forcefully(self.stream)

    def go_on(self) -> bool:
        """Be ready for the next request. False if there can be none, or the host may be leaving."""
        if not self.is_reusable():
            return False
        if trio.current_time() - self._moment > _IDLE_SECONDS or not is_open(self.stream):
            return False
        self._http.start_next_cycle()
        return True

"""One connection of HTTP/2, to a client or to a host, and what is read from it and written to it (RFC 9113, by h2).

Laws: a stream that nobody reads keeps no other one waiting: the connection's window is that of all streams together.
Writing waits for the other side to read, and where nothing can be written reading waits too.
"""

from collections.abc import Callable
from typing import Final

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import trio
from h2.settings import SettingCodes

from envfs.host.supervision import supervised_nursery
from envfs.proxy.multiplexed.goaway import GoawayFilter
from envfs.proxy.multiplexed.stream import Http2Stream
from envfs.proxy.records import receive
from envfs.proxy.request_checks import MOST_HEAD_BYTES

MOST_STREAMS: Final = 100
_WINDOW: Final = 1 << 17  # bytes of a stream that may wait here
_PREFACE: Final = 24  # bytes that a client sends before its frames (RFC 9113 §3.4)
_FIRST_WINDOW: Final = (1 << 16) - 1  # of the connection (RFC 9113 §6.9.2)
_IDLE_SECONDS, _FAREWELL_SECONDS = 600.0, 5.0
_MOST_UNANSWERED: Final = 64  # pieces that are read while nothing can be written
_REFUSED: Final = 7  # RFC 9113 §7
_GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class Http2Link:
    """A connection. With `on_request` it is one to a client, which begins streams."""

    def __init__(self, stream: trio.abc.Stream, on_request: Callable[[Http2Stream], object] | None = None) -> None:
        """Speak by a stream that TLS has agreed on."""
        self.http = _connection(is_to_client=on_request is not None)
        self.is_over = False
        self._stream = stream
        self._on_request = on_request
        self._streams: dict[int, Http2Stream] = {}
        self._goaway = GoawayFilter(_PREFACE if on_request else 0)
        self._to_write, self._has_written = trio.lowlevel.ParkingLot(), trio.lowlevel.ParkingLot()
        self._is_writing = False
        self._unanswered = 0
        self._has_ended = trio.Event()  # what is written

    async def run(self) -> None:
        """Read and write until one side leaves. All streams have failed then."""
        try:
            async with supervised_nursery() as tasks:
                tasks.run(self._write)
                await self._read()
                self._end()
                with trio.move_on_after(_FAREWELL_SECONDS):
                    await self._has_ended.wait()
                tasks.cancel()
        finally:
            self._end()
            await trio.aclose_forcefully(self._stream)

    def _end(self) -> None:
        self.is_over = True
        for stream in tuple(self._streams.values()):
            stream.fail()
        self._has_written.unpark_all()
        self.wake()

    @property
    def is_leaving(self) -> bool:
        """Tell whether the other side takes no more streams."""
        return self.is_over or self._goaway.last is not None

    def begin(self, number: int) -> Http2Stream:
        """Begin a stream."""
        stream = self._streams[number] = Http2Stream(self, number)
        return stream

    def forget(self, stream: Http2Stream) -> None:
        """Have nothing more to do with a stream."""
        self._streams.pop(stream.number, None)
        for other in self._streams.values():
            other.ring()  # one of them may wait for its place

    async def wait_for_change(self) -> None:
        """Wait until something was written, or the other side said something."""
        await self._has_written.park()

    # -- what is sent --------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have written what is to be sent."""
        self._to_write.unpark_all()

    async def written(self) -> None:
        """Wait until the other side took a good part of what is to be sent."""
        self.wake()
        if not self.is_over:
            await self._has_written.park()

    def reset(self, number: int, code: int) -> None:
        """End a stream before its time."""
        try:
            self.http.reset_stream(number, code)
        except h2.exceptions.H2Error:
            return
        self.wake()

    def acknowledge(self, number: int, size: int) -> None:
        """Let the other side send as much again."""
        if size:
            try:
                self.http.acknowledge_received_data(size, number)
            except h2.exceptions.H2Error:
                return
            self.wake()

    def leave(self, code: int = 0) -> None:
        """Say that no more streams are taken, and end."""
        try:
            self.http.close_connection(code)
        except h2.exceptions.H2Error:
            return
        self.is_over = True
        self.wake()

    async def _write(self) -> None:
        try:
            while True:
                data = self.http.data_to_send()
                if data:
                    self._is_writing = True
                    await self._stream.send_all(data)
                    self._is_writing, self._unanswered = False, 0
                    self._has_written.unpark_all()
                elif self.is_over:
                    break
                else:
                    await self._to_write.park()
        except _GONE:
            pass
        finally:
            self._has_ended.set()
            await trio.aclose_forcefully(self._stream)

    # -- what comes ----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while not self.is_over and (data := await self._next_bytes()):
                self._take(self._goaway.feed(data))
                self.wake()
                self._unanswered += self._is_writing
                while self._is_writing and self._unanswered > _MOST_UNANSWERED:
                    await self._has_written.park()
        except (*_GONE, h2.exceptions.ProtocolError):
            return  # h2 has written a farewell

    async def _next_bytes(self) -> bytes:
        while True:
            with trio.move_on_after(_IDLE_SECONDS):
                return await receive(self._stream)
            if not self._streams:
                self.leave()
                return b""

    def _take(self, data: bytes) -> None:
        for event in self.http.receive_data(data):
            self._take_event(event)
        last = self._goaway.last
        if last is not None and self._on_request is None:
            for stream in [stream for number, stream in self._streams.items() if number > last]:
                stream.fail(is_taken=False)

    def _take_event(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived() if self._on_request is not None:
                stream = self.begin(_number(event))
                stream.take_head(event.headers or ())
                self._on_request(stream)
            case h2.events.RemoteSettingsChanged():
                if self._on_request is None:
                    self.http.encoder.header_table_size = 0
                self._ring_all()
            case h2.events.WindowUpdated(stream_id=0):
                self._ring_all()
            case h2.events.DataReceived() if _number(event) not in self._streams:
                self.acknowledge(_number(event), event.flow_controlled_length or 0)
            case _:
                stream_or_none = self._streams.get(getattr(event, "stream_id", 0) or 0)
                if stream_or_none is not None:
                    _take_of_stream(stream_or_none, event)

    def _ring_all(self) -> None:
        for stream in self._streams.values():
            stream.ring()
        self._has_written.unpark_all()


def _number(event: h2.events.RequestReceived | h2.events.DataReceived) -> int:
    return event.stream_id or 0


def _take_of_stream(stream: Http2Stream, event: h2.events.Event) -> None:
    match event:
        case h2.events.ResponseReceived() | h2.events.InformationalResponseReceived():
            stream.take_head(event.headers or ())
        case h2.events.DataReceived():
            stream.take_data(event.data or b"", event.flow_controlled_length or 0)
        case h2.events.TrailersReceived():
            stream.trailers = event.headers or ()
        case h2.events.StreamEnded():
            stream.take_end()
        case h2.events.StreamReset():
            stream.fail(is_taken=event.error_code != _REFUSED)
        case h2.events.WindowUpdated():
            stream.ring()
        case _:
            pass


def _connection(*, is_to_client: bool) -> h2.connection.H2Connection:
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=not is_to_client, header_encoding=None))
    settings = {
        SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
        SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
        SettingCodes.MAX_HEADER_LIST_SIZE: MOST_HEAD_BYTES,
    }
    if not is_to_client:
        # headers with values are in no table that outlasts their request, on neither side
        settings |= {SettingCodes.ENABLE_PUSH: 0, SettingCodes.HEADER_TABLE_SIZE: 0}
        http.encoder.header_table_size = http.decoder.max_allowed_table_size = 0
    http.local_settings = h2.settings.Settings(client=not is_to_client, initial_values=settings)
    del http.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]  # some servers end the connection at it
    http.decoder.max_header_list_size = MOST_HEAD_BYTES
    http.initiate_connection()
    http.increment_flow_control_window(MOST_STREAMS * _WINDOW - _FIRST_WINDOW)
    return http

"""A client that speaks HTTP/2 through a proxy, and also what no client should."""

import socket
import ssl
from collections.abc import Sequence
from typing import NamedTuple, Self

import h2.config
import h2.connection
import h2.events
import hpack
from hyperframe.frame import Frame, HeadersFrame

from tests.component.proxying import CREDENTIALS, HOST, KEY, SECONDS, Proxy

Headers = Sequence[tuple[str, str]]
BEARER = ("authorization", f"Bearer {KEY.decode()}")


class Response(NamedTuple):
    """A response. Without `status` its stream was reset, or the connection ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str]


def tls(proxy: Proxy, port: int, protocols: Sequence[str] = ("h2", "http/1.1"), name: str = HOST) -> ssl.SSLSocket:
    """Return a connection to a host, with what it may speak."""
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
    shown = f"CONNECT {HOST}:{port} HTTP/1.1\r\nhost: {HOST}:{port}\r\nproxy-authorization: Basic {CREDENTIALS}\r\n\r\n"
    plain.sendall(shown.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += plain.recv(1)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    context = proxy.authority.trust()
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(plain, server_hostname=name)


class Http2Client:
    """The client."""

    def __init__(self, proxy: Proxy, port: int) -> None:
        self.stream = tls(proxy, port)
        assert self.stream.selected_alpn_protocol() == "h2"
        self.authority = f"{HOST}:{port}"
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.http = h2.connection.H2Connection(config)
        self.http.initiate_connection()
        self.flush()
        self.events: list[h2.events.Event] = []
        self.has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stream.close()

    def flush(self) -> None:
        """Send what is to be sent."""
        self.stream.sendall(self.http.data_to_send())

    def head(self, method: str, path: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
        """Return the head of a request."""
        pseudo = {":method": method, ":scheme": "https", ":authority": self.authority, ":path": path}
        return [*pseudo.items(), *more]

    def begin(self, method: str, path: str, *more: tuple[str, str], is_whole: bool = True) -> int:
        """Begin a request. Return the number of its stream."""
        number = self.http.get_next_available_stream_id()
        self.http.send_headers(number, self.head(method, path, *more), end_stream=is_whole)
        self.flush()
        return number

    def send(self, number: int, data: bytes, *, is_last: bool = False) -> None:
        """Send a part of the body, as the window lets it."""
        while data:
            room = min(self.http.local_flow_control_window(number), 16384)
            if room == 0:
                self.read()
                continue
            self.http.send_data(number, data[:room])
            data = data[room:]
            self.flush()
        if is_last:
            self.http.end_stream(number)
            self.flush()

    def read(self) -> bool:
        """Take what came. False at the end of the connection."""
        try:
            data = self.stream.recv(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.has_ended = True
            return False
        for event in self.http.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.events.append(event)
        self.flush()
        return True

    def has_come(self, number: int, *kinds: type[h2.events.Event]) -> bool:
        """Tell whether such an event of a stream came."""
        return any(isinstance(event, kinds) and getattr(event, "stream_id", None) == number for event in self.events)

    def body(self, number: int) -> bytes:
        """Return what came of a body."""
        pieces = [event for event in self.events if isinstance(event, h2.events.DataReceived)]
        return b"".join(event.data for event in pieces if event.stream_id == number)

    def response(self, number: int) -> Response:
        """Wait for a response."""
        while not self.has_come(number, h2.events.StreamEnded, h2.events.StreamReset):
            if not self.read():
                return Response(0, {}, self.body(number), {})
        mine = [event for event in self.events if getattr(event, "stream_id", None) == number]
        heads = [dict(event.headers) for event in mine if isinstance(event, h2.events.ResponseReceived)]
        ends = [dict(event.headers) for event in mine if isinstance(event, h2.events.TrailersReceived)]
        is_whole = self.has_come(number, h2.events.StreamEnded)
        status = int(heads[0][":status"]) if heads and is_whole else 0
        return Response(status, heads[0] if heads else {}, self.body(number), ends[0] if ends else {})

    def ask(self, method: str, path: str, *more: tuple[str, str]) -> Response:
        """Send a request without a body, and wait for its response."""
        return self.response(self.begin(method, path, *more))

    def send_raw(self, headers: Headers, number: int = 1, *, is_whole: bool = True) -> None:
        """Send a head as it is, whatever it is."""
        frame = HeadersFrame(number, hpack.Encoder().encode(headers), flags=["END_HEADERS"])
        if is_whole:
            frame.flags.add("END_STREAM")
        self.send_frame(frame)

    def send_frame(self, frame: Frame) -> None:
        """Send a frame as it is."""
        self.stream.sendall(frame.serialize())

    def outcome(self, number: int = 1) -> int:
        """Return the status of the answer to a raw head. 0: the stream or the connection was ended."""
        decoder, data = hpack.Decoder(), b""
        while True:
            try:
                piece = self.stream.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return 0
            if not piece:
                return 0
            data += piece
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3]):
                size, kind, of = int.from_bytes(data[:3]), data[3], int.from_bytes(data[5:9])
                payload, data = data[9 : 9 + size], data[9 + size :]
                if kind == 1 and of == number:
                    return int(dict(decoder.decode(payload))[":status"])
                if kind == 3 and of == number:
                    return 0

"""WebSockets through the proxy: values in text messages where a rule says so, placeholders again in what comes back."""

import base64
import contextlib
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from typing import Self

import pytest
from wsproto.frame_protocol import Frame, FrameProtocol, Opcode

from envfs.proxy.rules import parse_rules
from tests.component.http2_client import tls
from tests.component.proxying import HOST, KEY, UNRULED, VALUE, Handler, Proxy, Seen, Upstream, comes_true

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class SocketHandler(Handler):
    """Answers each frame with the same one, and remembers whole text messages."""

    def _accept(self, seen: Seen, *headers: tuple[str, str]) -> None:
        digest = hashlib.sha1(seen.headers["sec-websocket-key"].encode() + MAGIC, usedforsecurity=False).digest()
        self.send_response(101)
        accept = ("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        for name, value in (("Connection", "Upgrade"), ("Upgrade", "websocket"), accept, *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True

    def _deflating(self, seen: Seen) -> None:
        self._accept(seen, ("Sec-WebSocket-Extensions", "permessage-deflate"))

    def _raw(self, seen: Seen) -> None:
        self._accept(seen)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := self.connection.recv(65536):
                self.connection.sendall(data[::-1])

    def _socket(self, seen: Seen) -> None:
        self._accept(seen)
        protocol, text = FrameProtocol(client=False, extensions=[]), ""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := self.connection.recv(65536):
                protocol.receive_bytes(data)
                for frame in protocol.received_frames():
                    if isinstance(frame.payload, str):
                        text += frame.payload
                        if frame.message_finished:
                            self.server.upstream.texts.append(text)  # type: ignore[attr-defined]
                            text = ""
                    self.connection.sendall(_written(protocol, frame))


def _written(protocol: FrameProtocol, frame: Frame) -> bytes:
    if isinstance(frame.payload, tuple):
        return bytes(protocol.close(*frame.payload))
    match frame.opcode:
        case Opcode.PING:
            return bytes(protocol.pong(bytes(frame.payload)))  # type: ignore[arg-type]
        case _:
            return bytes(protocol.send_data(frame.payload, fin=frame.message_finished))


class Sockets(Upstream):
    """The host, and the text messages that it got."""

    texts: list[str]


class Client:
    """A client of a WebSocket."""

    def __init__(self, proxy: Proxy, port: int, path: str = "/socket", *headers: str) -> None:
        self.stream = tls(proxy, port)
        more = "".join(f"{header}\r\n" for header in headers)
        self.stream.sendall(
            f"GET {path} HTTP/1.1\r\nhost: {HOST}:{port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-key: AAAA\r\nsec-websocket-extensions: permessage-deflate\r\n{more}\r\n".encode()
        )
        self.head = b""
        while b"\r\n\r\n" not in self.head:
            self.head += self.stream.recv(1)
        self.status = int(self.head.split()[1])
        self.protocol = FrameProtocol(client=True, extensions=[])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stream.close()

    def send(self, *pieces: str | bytes) -> None:
        """Send a message in so many fragments."""
        for number, piece in enumerate(pieces, 1):
            self.stream.sendall(self.protocol.send_data(piece, fin=number == len(pieces)))

    def frames(self) -> Iterator[Frame]:
        """Return what comes, until the connection ends."""
        while data := self._data():
            self.protocol.receive_bytes(data)
            yield from self.protocol.received_frames()

    def _data(self) -> bytes:
        try:
            return self.stream.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def message(self) -> str | bytes | tuple[int, str]:
        """Wait for a message, or for the end: its code and reason."""
        pieces: list[str | bytes] = []
        for frame in self.frames():
            if isinstance(frame.payload, tuple):
                return int(frame.payload[0]), frame.payload[1]
            pieces.append(frame.payload if isinstance(frame.payload, str) else bytes(frame.payload))
            if frame.message_finished:
                return b"".join(pieces) if isinstance(pieces[0], bytes) else "".join(pieces)  # type: ignore[arg-type]
        return 0, "ended"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sockets]:
    """Give the module a host."""
    upstream = Sockets(tmp_path_factory.mktemp("sockets"), SocketHandler)
    upstream.texts = []
    yield upstream
    upstream.close()


@contextlib.contextmanager
def _proxy(host: Sockets, **more: object) -> Iterator[Proxy]:
    rule = {"key": "KEY", "hosts": [f"{HOST}:{host.port}"], "address": "127.0.0.1", "where": ["ws-text", "header"]}
    proxy = Proxy(parse_rules([{**rule, **more}]), str(host.roots))
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.fixture(scope="module")
def proxy(host: Sockets) -> Iterator[Proxy]:
    """Give the module a proxy whose rule is for messages."""
    with _proxy(host) as running:
        yield running


@pytest.fixture(autouse=True)
def forgetting(host: Sockets, proxy: Proxy) -> None:
    """Let each test see its own messages alone."""
    for seen in (host.texts, host.seen, proxy.admitted, proxy.refused):
        seen.clear()


def test_a_text_message_gets_the_value_and_its_echo_the_placeholder(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port) as client:
        client.send(f"authorize {KEY.decode()} now")
        assert client.message() == f"authorize {KEY.decode()} now"
        client.send("hello ", UNRULED.decode())
        assert client.message() == f"hello {UNRULED.decode()}"
    assert host.texts == [f"authorize {VALUE.decode()} now", f"hello {UNRULED.decode()}"]
    assert "sec-websocket-extensions" not in host.seen[0].headers
    assert [(entry.method, entry.path, entry.keys) for entry in proxy.admitted] == [
        ("GET", "/socket", ()),
        ("GET", "/socket", ("KEY",)),
    ]


def test_fragments_with_a_placeholder_across_their_borders_are_one_message(proxy: Proxy, host: Sockets) -> None:
    text = json.dumps({"op": 2, "token": KEY.decode(), "emoji": "ü✓"}, ensure_ascii=False)
    for at in range(9, len(text), 13):
        with Client(proxy, host.port) as client:
            client.stream.sendall(client.protocol.send_data(text[:at], fin=False))
            client.stream.sendall(client.protocol.ping(b"between"))
            client.stream.sendall(client.protocol.send_data(text[at:], fin=True))
            assert [frame.payload for frame in (next(client.frames()),)] == [b"between"]
            assert client.message() == text
    assert set(host.texts) == {text.replace(KEY.decode(), VALUE.decode())}


def test_a_binary_message_goes_through_and_its_echo_is_looked_through(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port) as client:
        client.send(b"\xff" * 200_000 + KEY, b"more")
        assert client.message() == b"\xff" * 200_000 + KEY + b"more"
        client.send(b"a value " + VALUE[:9], VALUE[9:] + b" in pieces")
        assert client.message() == b"a value " + KEY + b" in pieces"


def test_each_byte_of_a_text_may_come_by_itself(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port) as client:
        for byte in client.protocol.send_data(f"ü {KEY.decode()}", fin=True):
            client.stream.sendall(bytes((byte,)))
        assert client.message() == f"ü {KEY.decode()}"
    assert host.texts == [f"ü {VALUE.decode()}"]


def test_a_placeholder_that_stands_twice_ends_the_connection_and_is_not_sent(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port) as client:
        client.send(KEY.decode() * 2)
        assert client.message() == (1008, "envfs: KEY: its placeholder stands there more than once")
    assert not host.texts
    assert proxy.reported(lambda refusal: refusal.reason == "no-rule")


def test_without_an_entry_in_the_log_no_message_is_sent(host: Sockets) -> None:
    with _proxy(host) as denying, Client(denying, host.port) as client:
        denying.denies = "the access log cannot be written"
        client.send(KEY.decode())
        assert client.message() == (1008, "envfs: the access log cannot be written")
    assert not host.texts


def test_a_message_waits_for_a_person_and_is_bound_to_its_text(host: Sockets) -> None:
    with _proxy(host, approve="each") as asking, Client(asking, host.port) as client:
        asking.withheld = []
        client.send(KEY.decode())
        assert comes_true(lambda: asking.withheld)
        assert not host.texts
        asking.answer(is_yes=True)
        assert client.message() == KEY.decode()
        asked = asking.admitted[-1]
    assert (asked.size, asked.digest) == (len(KEY), hashlib.sha256(KEY).hexdigest())


def test_a_header_of_its_beginning_may_wait_as_well(host: Sockets) -> None:
    with _proxy(host, approve="each") as asking:
        asking.withheld = []
        withheld = asking.withheld

        def say_yes() -> bool:
            if withheld:
                asking.answer(is_yes=True)
            return not withheld and bool(asking.admitted)

        threading.Thread(target=comes_true, args=(say_yes,), daemon=True).start()
        with Client(asking, host.port, "/socket", f"authorization: Bearer {KEY.decode()}") as client:
            assert client.status == 101
    assert host.seen[0].headers["authorization"] == f"Bearer {VALUE.decode()}"


def test_a_message_for_which_no_rule_is_stays_as_it_is(host: Sockets) -> None:
    with _proxy(host, where=["header"]) as other, Client(other, host.port) as client:
        client.send(KEY.decode())
        assert client.message() == KEY.decode()
        client.send(VALUE.decode())
        assert client.message() == KEY.decode()
    with _proxy(host, paths=["/elsewhere"]) as other, Client(other, host.port) as client:
        client.send(KEY.decode())
        assert client.message() == KEY.decode()
    assert host.texts == [KEY.decode(), VALUE.decode(), KEY.decode()]


def test_without_scrubbing_bytes_are_relayed_as_they_are(host: Sockets) -> None:
    with _proxy(host, where=["header"], scrub=False) as raw, Client(raw, host.port, "/raw") as client:
        client.stream.sendall(b"\x81\x05hello")
        assert client.stream.recv(1000) == b"olleh\x05\x81"
    assert host.seen[0].headers["sec-websocket-extensions"] == "permessage-deflate"


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05hello",  # without a mask
        b"\xc1\x85\0\0\0\0hello",  # said to be compressed
        b"\x80\x85\0\0\0\0hello",  # goes on with nothing
        b"\x81\x81\0\0\0\0\xff",  # no text
        b"\x89\xfe\x00\x80\0\0\0\0" + b"x" * 128,  # a ping that is too long
        b"\x83\x81\0\0\0\0x",  # of no kind
    ],
)
def test_what_is_no_frame_ends_the_connection(proxy: Proxy, host: Sockets, frame: bytes) -> None:
    with Client(proxy, host.port) as client:
        client.stream.sendall(frame)
        assert client.message()[0] in (1002, 1007)
    assert not host.texts


def test_a_host_that_compresses_unasked_is_not_relayed(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port, "/deflating") as client:
        assert client.status == 502


def test_both_sides_end_as_they_say(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port) as client:
        client.stream.sendall(client.protocol.close(1000, "bye"))
        assert client.message() == (1000, "bye")
    with Client(proxy, host.port) as client:
        client.stream.sendall(client.protocol.close(1000, f"bye {VALUE.decode()}"))
        assert client.message() == (1000, "")


def test_a_text_that_is_too_long_to_look_into_is_not_sent(proxy: Proxy, host: Sockets) -> None:
    with Client(proxy, host.port) as client:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            client.send("x" * ((1 << 20) + 1))
        assert client.message()[0] in (1008, 0)
    assert not host.texts

"""A host that speaks HTTP/2 by TLS and answers by the path of a request, also with the faults that hosts make."""

import contextlib
import gzip
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.component.proxying import HOST, SECONDS, Authority

Headers = list[tuple[str, str]]


class Request(NamedTuple):
    """A request as the host got it."""

    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str]

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self.headers[":path"].partition("?")[0]


class _Stream:
    def __init__(self, headers: Headers) -> None:
        self.headers, self.body, self.trailers = dict(headers), bytearray(), {}
        self.has_ended = False


class Http2Upstream:
    """The host. `reset` are the streams that clients gave up."""

    def __init__(self, folder: Path, protocols: tuple[str, ...] = ("h2",)) -> None:
        self.authority = Authority("the authority of the host")
        self.roots = folder / "roots2.pem"
        self.roots.write_bytes(self.authority.certificate)
        certificate = folder / "host2.pem"
        certificate.write_bytes(self.authority.leaf(HOST))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.set_alpn_protocols(list(protocols))
        self.seen: list[Request] = []
        self.reset: list[int] = []
        self.connections = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self.may_go_on.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError), contextlib.ExitStack() as opened:
            opened.enter_context(plain)
            stream = opened.enter_context(self._context.wrap_socket(plain, server_side=True))
            self.connections += 1
            _Connection(self, stream).serve()


def _typed(text: bytes) -> bytes:
    # a text and a number, as Protocol Buffers write them
    return b"\x0a%c%b\x10\x01" % (len(text), text)


def _web(text: bytes) -> bytes:
    # a message of gRPC-Web, and its trailers
    return b"".join(bytes((kind,)) + len(text).to_bytes(4) + text for kind in (0, 0x80))


class _Connection:
    """One connection: its thread reads, and each request is answered once it is whole, or at once where it streams."""

    def __init__(self, upstream: Http2Upstream, stream: ssl.SSLSocket) -> None:
        self._upstream, self._stream = upstream, stream
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._http = h2.connection.H2Connection(config)
        self._streams: dict[int, _Stream] = {}
        self._waiting: dict[int, bytes] = {}

    def serve(self) -> None:
        """Serve until the client leaves."""
        self._http.initiate_connection()
        self._flush()
        while data := self._stream.recv(65536):
            for event in self._http.receive_data(data):
                self._take(event)
            self._flush()

    def _flush(self) -> None:
        self._stream.sendall(self._http.data_to_send())

    def _take(self, event: h2.events.Event) -> None:
        number = getattr(event, "stream_id", 0) or 0
        match event:
            case h2.events.RequestReceived():
                stream = self._streams[number] = _Stream(event.headers)  # type: ignore[arg-type]
                if stream.headers[":path"].startswith("/echo"):
                    self._http.send_headers(number, [(":status", "200"), ("content-type", "application/grpc")])
            case h2.events.DataReceived():
                self._http.acknowledge_received_data(event.flow_controlled_length, number)
                self._streams[number].body += event.data
                if self._streams[number].headers[":path"].startswith("/echo"):
                    self._http.send_data(number, event.data)
            case h2.events.TrailersReceived():
                self._streams[number].trailers = dict(event.headers)  # type: ignore[arg-type]
            case h2.events.StreamEnded():
                self._answer(number, self._streams[number])
            case h2.events.StreamReset():
                self._upstream.reset.append(number)
                self._waiting.pop(number, None)
            case h2.events.WindowUpdated():
                for waiting in tuple(self._waiting):
                    self._send_more(waiting)
            case _:
                pass

    def _answer(self, number: int, stream: _Stream) -> None:
        request = Request(stream.headers, bytes(stream.body), stream.trailers)
        self._upstream.seen.append(request)
        told = request.headers.get("authorization", "")
        answers: dict[str, Callable[[], object]] = {
            "/key": lambda: self._send(number, json.dumps({"you": told}).encode(), [("x-told", told)]),
            "/gzip": lambda: self._send(
                number, gzip.compress(b"x" * 70_000 + told.encode()), [("content-encoding", "gzip")]
            ),
            "/trailers": lambda: self._send(number, b"body", [], [("grpc-status", "0"), ("grpc-message", told)]),
            "/echo": lambda: self._http.send_headers(number, [("grpc-status", "0")], end_stream=True),
            "/reset": lambda: self._http.reset_stream(number, 2),
            "/half": lambda: self._half(number),
            "/bytes": lambda: self._send(number, b"\xff\x00b" * int(request.headers[":path"].partition("?")[2]), []),
            "/refused": lambda: self._refuse_once(number, told),
            "/ignored": lambda: self._ignore_once(number, told),
            "/typed": lambda: self._send(number, _typed(told[7:].encode()), [("content-type", "application/protobuf")]),
            "/web": lambda: self._send(number, _web(told.encode()), [("content-type", "application/grpc-web+proto")]),
            "/leaving": lambda: self._leave(number),
            "/hanging": lambda: None,
        }
        digest = hashlib.sha256(request.body).hexdigest()
        answers.get(request.path, lambda: self._send(number, digest.encode(), [("x-path", request.headers[":path"])]))()

    def _send(self, number: int, body: bytes, headers: Headers, trailers: Headers | None = None) -> None:
        self._http.send_headers(number, [(":status", "200"), *headers])
        if trailers is not None:
            self._http.send_data(number, body)
            self._http.send_headers(number, trailers, end_stream=True)
            return
        self._waiting[number] = body
        self._send_more(number)

    def _send_more(self, number: int) -> None:
        body = self._waiting[number]
        while body:
            room = min(self._http.local_flow_control_window(number), self._http.max_outbound_frame_size)
            if room <= 0:
                self._waiting[number] = body
                return
            self._http.send_data(number, body[:room])
            body = body[room:]
        del self._waiting[number]
        self._http.end_stream(number)

    def _half(self, number: int) -> None:
        self._http.send_headers(number, [(":status", "200")])
        self._http.send_data(number, b"half\n")
        self._http.reset_stream(number, 2)

    def _refuse_once(self, number: int, told: str) -> None:
        if sum(seen.path == "/refused" for seen in self._upstream.seen) == 1:
            self._http.reset_stream(number, 7)
        else:
            self._send(number, json.dumps({"you": told}).encode(), [])

    def _ignore_once(self, number: int, told: str) -> None:
        # says that it took none of the streams, and ends (RFC 9113 §6.8)
        if sum(seen.path == "/ignored" for seen in self._upstream.seen) == 1:
            self._flush()
            self._stream.sendall(b"\0\0\x08\x07\0\0\0\0\0" + bytes(4) + b"\0\0\0\0")
        else:
            self._send(number, json.dumps({"you": told}).encode(), [])

    def _leave(self, number: int) -> None:
        # says that it takes no more streams, and answers the one that it has (RFC 9113 §6.8)
        self._flush()
        self._stream.sendall(b"\0\0\x08\x07\0\0\0\0\0" + number.to_bytes(4) + b"\0\0\0\0")
        assert self._upstream.may_go_on.wait(SECONDS)
        self._send(number, b"last", [])

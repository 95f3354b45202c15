"""A proxy process with a double of the daemon, and a host that it sends requests to, verified by TLS."""

import array
import base64
import contextlib
import gzip
import hashlib
import http.client
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from envfs.host.memory import Region
from envfs.keyholder.crypto import certificates
from envfs.protocol import proxying
from envfs.protocol.bindings import Binding, encode_bindings
from envfs.proxy.rules import ProxyRule, parse_rules, rule_row

SECONDS = 30.0
TOKEN = "token-of-the-session"
HOST = "api.example.test"
KEY, VALUE = b"sk_test_placeholder_000001", b"sk_live_value_of_the_key_1"
SHORTER, SHORTER_VALUE = b"ghp_placeholder_0000000002", b"short/value"
UNRULED = b"masked_without_a_rule_0003"
MIXED, MIXED_VALUE = b"ghs_placeholder_000000004", b"Value-In-Mixed-Case-00004"
BINDINGS = (
    *(Binding("KEY", KEY, VALUE), Binding("SHORTER", SHORTER, SHORTER_VALUE)),
    *(Binding("MIXED", MIXED, MIXED_VALUE), Binding("UNRULED", UNRULED, None)),
)
CREDENTIALS = base64.b64encode(f"envfs:{TOKEN}".encode()).decode()


def pem(certificate: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """Write a certificate, and its key."""
    text = ssl.DER_cert_to_PEM_cert(certificate).encode()
    if key is None:
        return text
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return text + key.private_bytes(encoding, form, serialization.NoEncryption())


def comes_true(is_so: Callable[[], object]) -> bool:
    """Wait until something is so. False if it is not in time."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.01)
    return False


class Authority:
    """An authority of certificates."""

    def __init__(self, name: str) -> None:
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), name
        self.certificate = pem(certificates.authority_certificate(self.key, name, int(time.time())))

    def leaf(self, host: str) -> bytes:
        """Return the certificate of a host with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        return pem(certificates.host_certificate(self.key, self.name, key, host, int(time.time())), key)

    def trust(self) -> ssl.SSLContext:
        """Return what trusts this authority alone, as strictly as Python 3.13 does."""
        context = ssl.create_default_context(cadata=self.certificate.decode())
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context


class Seen(NamedTuple):
    """A request as the host got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def basic(self) -> str:
        """User and password of HTTP Basic. Empty for none."""
        kind, _, credentials = self.headers.get("authorization", "").partition(" ")
        return base64.b64decode(credentials).decode() if kind.lower() == "basic" else ""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path of a request."""

    protocol_version = "HTTP/1.1"
    upstream: ClassVar["Upstream"]

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle_one_request()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _any(self) -> None:
        body = self._body()
        seen = Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.upstream.seen.append(seen)  # type: ignore[attr-defined]
        getattr(self, "_" + self.path.strip("/").partition("?")[0].partition("/")[0], self._echo)(seen)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = _any  # noqa: N815 - the names that the library looks for

    def _send(self, body: bytes, *headers: tuple[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _echo(self, seen: Seen) -> None:
        facts = {"method": seen.method, "target": seen.target, "headers": seen.headers}
        facts["sha256"] = hashlib.sha256(seen.body).hexdigest()
        self._send(json.dumps(facts).encode(), ("Content-Type", "application/json"), ("X-Echo", seen.target))

    def _key(self, seen: Seen) -> None:
        told = seen.headers.get("authorization", "")
        self._send(f'{{"you": {json.dumps(told)}}}'.encode(), ("X-Told", told))

    def _part(self, seen: Seen) -> None:
        told = seen.headers.get("authorization", "").encode()
        begin, end = map(int, seen.headers.get("range", "bytes=0-999").removeprefix("bytes=").split("-"))
        part = told[begin : end + 1]
        is_part = "range" in seen.headers or seen.target.endswith("always")
        told_of_parts = (("Accept-Ranges", "bytes"), ("Content-Range", f"bytes {begin}-{end}/{len(told)}"))
        self._send(part, *told_of_parts, status=206 if is_part else 200)

    def _folded(self, seen: Seen) -> None:
        told = seen.headers.get("authorization", "")
        self._send(b"", ("X-Told", f"{told[:20]}\r\n {told[20:]}"), ("X-Other", "a b"))

    def _cut_by_messages(self, seen: Seen) -> None:
        told = seen.headers.get("authorization", "").encode()
        head = b"\0" + (len(told) - 3).to_bytes(4)
        self._send(head + told, ("Content-Type", "application/grpc"))

    def _behind(self, _seen: Seen) -> None:
        one, two = (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + text for text in (b"one", b"two"))
        self.wfile.write(one + two)  # in one record, so that both come at once

    def _git(self, seen: Seen) -> None:
        if not seen.basic:
            self._send(b"", ("WWW-Authenticate", 'Basic realm="git"'), status=401)
        elif "info/refs" in seen.target:
            self._send(b"0123456789012345678901234567890123456789\trefs/heads/main\n", ("Content-Type", "text/plain"))
        else:
            self._send(b"", status=404)

    def _redirect(self, seen: Seen) -> None:
        self._send(b"", ("Location", seen.target.partition("to=")[2]), status=302)

    def _gzip(self, seen: Seen) -> None:
        told = b"x" * 70_000 + seen.headers.get("authorization", "").encode() + b"y" * 70_000
        self._send(gzip.compress(told), ("Content-Encoding", "gzip"))

    def _brotli(self, _seen: Seen) -> None:
        self._send(b"\x0b\x02\x80hello\x03", ("Content-Encoding", "br"))

    def _events(self, seen: Seen) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        told = seen.headers.get("authorization", "").encode()
        for part in (b"data: one\n\n", b"data: " + told[:20], told[20:] + b"\n\n", b"data: last\n\n"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.flush()
            self.server.upstream.may_go_on.wait(SECONDS)  # type: ignore[attr-defined]
        self.wfile.write(b"0\r\n\r\n")

    def _reason(self, seen: Seen) -> None:
        told = seen.headers.get("authorization", "").removeprefix("Bearer ")
        self.send_response(400, f"no such key {told}")
        self.send_header(told, "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _written(self, seen: Seen) -> None:
        self._send((seen.target.partition("?")[2] + "\n" + seen.headers.get("authorization", "")).encode())

    def _codings(self, seen: Seen) -> None:
        told = gzip.compress(seen.headers.get("authorization", "").encode())
        self._send(told, ("Content-Encoding", "identity"), ("Content-Encoding", "gzip"))

    def _members(self, seen: Seen) -> None:
        told = gzip.compress(b"one ") + gzip.compress(seen.headers.get("authorization", "").encode())
        self._send(told, ("Content-Encoding", "gzip"))

    def _lengths(self, _seen: Seen) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")

    def _cut(self, _seen: Seen) -> None:
        self._send(gzip.compress(os.urandom(2000))[:1000], ("Content-Encoding", "gzip"))

    def _whoami(self, seen: Seen) -> None:
        is_right = "live" in seen.headers.get("authorization", "")
        self._send(b"{}", status=200 if is_right else 401)

    def _nothing(self, _seen: Seen) -> None:
        self.send_response(204)
        self.end_headers()

    def _early(self, _seen: Seen) -> None:
        self._send(b"enough", status=400)
        self.close_connection = True

    def _bytes(self, seen: Seen) -> None:
        size = int(seen.target.partition("?")[2] or 1)
        self._send(b"\xff\x00b" * (size // 3))

    def _another(self, seen: Seen) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", seen.headers.get("authorization", ""))
        self.end_headers()

    def _websocket(self, seen: Seen) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        self.wfile.flush()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := self.connection.recv(65536):
                self.connection.sendall(data[::-1])
        self.close_connection = True


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    upstream: "Upstream"

    def handle_error(self, _request: object, _address: object) -> None:
        """A client that leaves is no error."""


class Upstream:
    """A host on this machine that answers by TLS."""

    def __init__(self, folder: Path, handler: type["Handler"] | None = None) -> None:
        self.authority = Authority("the authority of the host")
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(self.authority.certificate)
        certificate = folder / "host.pem"
        certificate.write_bytes(self.authority.leaf(HOST))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.seen: list[Seen] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._server = _Server(("127.0.0.1", 0), handler or Handler)
        self._server.upstream = self
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self.may_go_on.set()
        self._server.shutdown()
        self._thread.join(SECONDS)
        self._server.server_close()


class Proxy:
    """A proxy process, and what it asked of its daemon. With `denies`, each request gets that answer."""

    def __init__(
        self,
        rules: tuple[ProxyRule, ...],
        roots: str,
        *,
        strict: bool = False,
        bindings: tuple[Binding, ...] = BINDINGS,
    ) -> None:
        self.authority = Authority("the authority of the session")
        self.admitted: list[proxying.AdmitRequest] = []
        self.refused: list[proxying.ReportRefusal] = []
        self.denies = ""
        self.is_of_session = False  # the answer about clients without a token
        self.withheld: list[int] | None = None  # the numbers of requests that wait, where they are to wait
        self.withdrawn: list[int] = []
        self._ready = threading.Event()
        self.port = 0
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", "-m", "envfs.proxy", str(theirs.fileno())]
            self.process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env={})
        self._begin(rules, roots, bindings, strict=strict)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()
        assert self._ready.wait(SECONDS)

    def _begin(self, rules: tuple[ProxyRule, ...], roots: str, bindings: tuple[Binding, ...], *, strict: bool) -> None:
        content = encode_bindings(bindings)
        region = Region.create(len(content))
        region.map[: len(content)] = content
        rows = tuple(map(rule_row, rules))
        self._send(proxying.BeginSession(TOKEN, rows, len(content), strict, roots), region.descriptor)

    def _send(self, message: object, descriptor: int = -1) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))] if descriptor >= 0 else []
        self._socket.sendmsg([proxying.encode_packet(message)], rights)

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while packet := self._socket.recv(proxying.PACKET):
                match proxying.decode_packet(packet, proxying.TO_DAEMON):
                    case proxying.SessionReady(port=port):
                        self.port = port
                        self._ready.set()
                    case proxying.AdmitRequest() as request:
                        self.admitted.append(request)
                        if self.withheld is None:
                            self._send(self._verdict(request.number))
                        else:
                            self.withheld.append(request.number)
                    case proxying.WithdrawRequest(number=number):
                        self.withdrawn.append(number)
                        self._send(self._verdict(number))
                    case proxying.IdentifyClient(number=number):
                        self._send(proxying.ClientIdentified(number, self.is_of_session))
                    case proxying.IssueLeaf(number=number, host=host):
                        memory = os.memfd_create("leaf")
                        os.write(memory, self.authority.leaf(host))
                        self._send(proxying.LeafIssued(number), memory)
                        os.close(memory)
                    case proxying.ReportRefusal() as refusal:
                        self.refused.append(refusal)

    def _verdict(self, number: int) -> object:
        if self.denies:
            return proxying.RequestDenied(number, 503, self.denies)
        return proxying.RequestAdmitted(number)

    def answer(self, *, is_yes: bool) -> None:
        """Answer the oldest request that waits, as the daemon does for a person."""
        number = (self.withheld or []).pop(0)
        refused = proxying.RequestDenied(number, 403, "a person refused this request", "not-approved")
        self._send(proxying.RequestAdmitted(number) if is_yes else refused)

    def reported(self, is_it: Callable[[proxying.ReportRefusal], bool]) -> bool:
        """Wait for a refusal: nobody answers a report, so it may come after the client has its answer."""
        return comes_true(lambda: any(map(is_it, tuple(self.refused))))

    def connect(self, host: str = HOST, port: int = 443) -> http.client.HTTPSConnection:
        """Return a client that goes through the proxy."""
        client = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.authority.trust(), timeout=SECONDS)
        client.set_tunnel(host, port, {"Proxy-Authorization": f"Basic {CREDENTIALS}"})
        return client

    def close(self) -> None:
        """End it."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(SECONDS)
        self._socket.close()
        assert self.process.wait(SECONDS) == 0


def rules_for_host(port: int, *more: dict[str, object]) -> tuple[ProxyRule, ...]:
    """Return a rule for the key at the host, and others."""
    host = {"hosts": [f"{HOST}:{port}"], "address": "127.0.0.1"}
    others = ({**host, "name": f"other-{number}", **table} for number, table in enumerate(more))
    return parse_rules([{"key": "KEY", **host}, *others])


@contextlib.contextmanager
def running_proxy(upstream: Upstream, *more: dict[str, object], strict: bool = False) -> Iterator[Proxy]:
    """Run a proxy for the host."""
    proxy = Proxy(rules_for_host(upstream.port, *more), str(upstream.roots), strict=strict)
    try:
        yield proxy
    finally:
        proxy.close()

"""The proxy of a session on its way to a host of this machine, against that host without it, and masked output.

The host, its client, the proxy and the daemon share the processors. Each request is in the log before it goes on.
"""

import base64
import contextlib
import json
import re
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from home import ENVFS, Home
from http2_host import Http2Client, Http2Host
from https_host import ANSWER, EVENT_SECONDS, EVENTS, HOST, HttpsHost
from rounds import Contest, Contestant, Sample, timed

LEVEL, KEY = "/shop", "sk_live_51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
_REQUESTS, _ADDED = 200, 0.001
_OUTPUT = 128 << 20
_QUICK, _SLOW = 200e6, 100e6  # bytes a second, as promised
_RULES = """
[proxy]
roots = "{roots}"

[[proxy.rule]]
key = "SHOP_KEY"
hosts = ["{host}:{port}"]
address = "127.0.0.1"
scrub = {scrub}
h2 = {h2}
"""


class _Client(NamedTuple):
    """A connection to the host, and its request."""

    stream: ssl.SSLSocket
    head: bytes
    key: bytes = b""

    def latency(self) -> float:
        """Return the median time of a request."""
        return statistics.median(timed(self._ask) for _ in range(_REQUESTS))

    def _ask(self) -> None:
        self.stream.sendall(self.head % b"/")
        data = b""
        while not data.endswith(ANSWER):
            data += self._received()

    def _received(self) -> bytes:
        data = self.stream.recv(1 << 16)
        if not data:
            raise ConnectionError("the host, or the proxy, closed the connection")
        return data

    def delay(self) -> float:
        """Return the median time that an event of a stream takes to come."""
        self.stream.sendall(self.head % b"/events")
        delays, data = [], b""
        while not data.endswith(b"0\r\n\r\n"):
            piece = self._received()
            now = time.monotonic_ns()
            delays += [(now - int(stamp)) / 1e9 for stamp in re.findall(rb"data: (\d+)", piece)]
            data += piece
        if len(delays) != EVENTS:
            raise RuntimeError("an event did not come in one piece")
        return statistics.median(delays)

    def read(self, size: int) -> None:
        """Read a large body."""
        self.stream.sendall(self.head % b"/?%d" % size)
        self._take_answer(size)

    def send(self, size: int) -> None:
        """Send a large body."""
        block = b"y" * (1 << 18)
        head = (self.head % b"/").replace(b"GET", b"POST")[:-2] + b"content-length: %d\r\n\r\n" % size
        self.stream.sendall(head)
        for _ in range(size // len(block)):
            self.stream.sendall(block)
        self._take_answer(len(ANSWER))

    def _take_answer(self, size: int) -> None:
        # to the last byte of its body: the next answer begins behind it
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received()
        head, _, begun = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the proxy answered {data.decode(errors='replace')}")
        buffer, left = bytearray(1 << 18), size - len(begun)
        while left > 0:
            received = self.stream.recv_into(buffer)
            if not received:
                raise ConnectionError("the host, or the proxy, closed the connection")
            left -= received


def contests(rounds: int, size: int) -> Generator[Contest, None, None]:
    """Requests, streams, bodies of so many bytes with and without rules on them, and masked output."""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(Home())
        host = stack.enter_context(HttpsHost(home.path))
        home.fill({LEVEL: f"SHOP_KEY={KEY}\n"})
        direct = stack.enter_context(_connected(host, host.port, str(host.roots), b""))
        plain = stack.enter_context(_behind(home, host, scrub=False))
        ruled = stack.enter_context(_behind(home, host, scrub=True))
        yield _added("a request through the proxy", direct.latency, ruled.latency, rounds, 1.0)
        yield _events(direct, ruled, rounds)
        yield _bodies(direct, plain, ruled, rounds, size)
        yield _masked(home, rounds)
        yield _http2(stack, home, rounds)


def _added(
    title: str, direct: Callable[[], float], behind: Callable[[], float], rounds: int, target: float = 0.0
) -> Contest:
    return Contest(
        title,
        (
            Contestant("as much as is promised", lambda: Sample(_ADDED)),
            Contestant("added by the proxy", lambda: Sample(max(0.0, behind() - direct())), target),
            Contestant("without the proxy", lambda: Sample(direct())),
        ),
        rounds,
        "median of 200 requests over one connection, each in the access log",
    )


def _events(direct: _Client, ruled: _Client, rounds: int) -> Contest:
    return Contest(
        "an event of a stream through the proxy",
        (
            Contestant("until the next one", lambda: Sample(EVENT_SECONDS)),
            Contestant("until it comes", lambda: Sample(ruled.delay()), 1.0),
            Contestant("without the proxy", lambda: Sample(direct.delay())),
        ),
        rounds,
        f"median of {EVENTS} chunks, with a rule: each comes in one piece, and before the next one is sent",
    )


def _bodies(direct: _Client, plain: _Client, ruled: _Client, rounds: int, size: int) -> Contest:
    return Contest(
        f"{size >> 20} MiB through the proxy",
        (
            Contestant("at 200 MB/s", lambda: Sample(size / _QUICK)),
            _bytes("read without rules on it", plain.read, size, 1.0),
            _bytes("read with its values looked for", ruled.read, size, _QUICK / _SLOW),
            _bytes("sent", ruled.send, size, 1.0),
            _bytes("read without the proxy", direct.read, size),
        ),
        rounds,
        "with `scrub = false`, and with a rule",
    )


def _masked(home: Home, rounds: int) -> Contest:
    (home.path / "text").write_bytes((b"x" * 99 + b"\n") * (_OUTPUT // 100))
    return Contest(
        "128 MiB of masked output",
        (
            Contestant("at 200 MB/s", lambda: Sample(_OUTPUT / _QUICK)),
            _bytes("exec --mask-output", lambda _: _cat(home, "--mask-output"), _OUTPUT, 1.0),
            _bytes("exec", lambda _: _cat(home), _OUTPUT),
        ),
        rounds,
        "`cat` into a pipe that is read",
    )


def _http2(stack: contextlib.ExitStack, home: Home, rounds: int) -> Contest:
    host = stack.enter_context(Http2Host(home.path))
    direct = stack.enter_context(_connected(host, host.port, str(host.roots), b"", "h2"))
    ruled = stack.enter_context(_behind(home, host, scrub=True, protocol="h2"))
    authority = f"{HOST}:{host.port}"
    alone = Http2Client(direct.stream, authority, {})
    behind = Http2Client(ruled.stream, authority, {"authorization": f"Bearer {ruled.key.decode()}"})
    return _added("a request through the proxy by HTTP/2", alone.latency, behind.latency, rounds)


def _bytes(name: str, action: Callable[[int], object], size: int, target: float = 0.0) -> Contestant:
    def measure() -> Sample:
        seconds = timed(lambda: action(size))
        return Sample(seconds, per_second=size / seconds)

    return Contestant(name, measure, target)


def _cat(home: Home, *options: str) -> None:
    words = [ENVFS, "exec", LEVEL, *options, "--", "cat", str(home.path / "text")]
    with subprocess.Popen(words, env=home.environ, stdout=subprocess.PIPE, bufsize=0) as child:
        output = child.stdout or sys.stdin.buffer
        while output.read(1 << 18):
            pass
    if child.returncode:
        raise RuntimeError(f"exec ended with status {child.returncode}")


@contextlib.contextmanager
def _behind(home: Home, host: HttpsHost, *, scrub: bool, protocol: str = "http/1.1") -> Generator[_Client, None, None]:
    rules = _RULES.format(
        roots=host.roots, host=HOST, port=host.port, scrub=str(scrub).lower(), h2=str(protocol == "h2").lower()
    )
    settings = Path(home.path / "envfs.toml")
    own = settings.read_text(encoding="utf-8").partition("\n[proxy]")[0]
    settings.write_text(own + rules, encoding="utf-8")
    session = json.loads(home.envfs("proxy", "start", LEVEL, "--json"))["session"]
    variables = json.loads(home.envfs("proxy", "env", session, "--json"))
    found = re.fullmatch(r"http://([^:]+:[^@]+)@127\.0\.0\.1:(\d+)", variables["HTTPS_PROXY"])
    if found is None:
        raise RuntimeError("the session has no address")
    shown = base64.b64encode(found[1].encode())
    try:
        with _connected(host, int(found[2]), variables["SSL_CERT_FILE"], shown, protocol) as client:
            key = variables["SHOP_KEY"].encode()
            head = client.head.replace(b"\r\n\r\n", b"\r\nauthorization: Bearer %b\r\n\r\n" % key)
            yield client._replace(head=head, key=key)
    finally:
        home.envfs("proxy", "stop", session)


@contextlib.contextmanager
def _connected(
    host: HttpsHost, port: int, roots: str, shown: bytes, protocol: str = "http/1.1"
) -> Generator[_Client, None, None]:
    name = f"{HOST}:{host.port}".encode()
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if shown:
            plain.sendall(
                b"CONNECT %b HTTP/1.1\r\nhost: %b\r\nproxy-authorization: Basic %b\r\n\r\n" % (name, name, shown)
            )
            if not plain.recv(1 << 16).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("the proxy opens no tunnel")
        context = ssl.create_default_context(cafile=roots)
        context.set_alpn_protocols([protocol])
        with context.wrap_socket(plain, server_hostname=HOST) as stream:
            yield _Client(stream, b"GET %%b HTTP/1.1\r\nhost: %b\r\n\r\n" % name)

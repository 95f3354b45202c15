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
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from home import ENVFS, Home
from https_host import ANSWER, HOST, HttpsHost
from rounds import Contest, Contestant, Sample, timed

LEVEL, KEY = "/shop", "sk_live_51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
SIZE = 128 << 20
_REQUESTS, _ADDED = 200, 0.001
_QUICK, _SLOW = 200e6, 100e6  # bytes a second, as promised
_RULES = """
[proxy]
roots = "{roots}"

[[proxy.rule]]
key = "SHOP_KEY"
hosts = ["{host}:{port}"]
address = "127.0.0.1"
scrub = {scrub}
"""


class _Client(NamedTuple):
    """A connection to the host, and its request."""

    stream: ssl.SSLSocket
    head: bytes

    def latency(self) -> float:
        """Return the median time of a request."""
        return statistics.median(timed(self._ask) for _ in range(_REQUESTS))

    def _ask(self) -> None:
        self.stream.sendall(self.head % b"/")
        data = b""
        while not data.endswith(ANSWER):
            data += self.stream.recv(1 << 16)

    def read(self) -> None:
        """Read a large body."""
        buffer, left = bytearray(1 << 18), SIZE
        self.stream.sendall(self.head % b"/?%d" % SIZE)
        while left > 0:
            left -= self.stream.recv_into(buffer)

    def send(self) -> None:
        """Send a large body."""
        block = b"y" * (1 << 18)
        head = (self.head % b"/").replace(b"GET", b"POST")[:-2] + b"content-length: %d\r\n\r\n" % SIZE
        self.stream.sendall(head)
        for _ in range(SIZE // len(block)):
            self.stream.sendall(block)
        self.stream.recv(1 << 16)


def contests(rounds: int) -> Generator[Contest, None, None]:
    """Requests, bodies with and without rules on them, and masked output."""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(Home())
        host = stack.enter_context(HttpsHost(home.path))
        home.fill({LEVEL: f"SHOP_KEY={KEY}\n"})
        direct = stack.enter_context(_connected(host, host.port, str(host.roots), b""))
        plain = stack.enter_context(_behind(home, host, scrub=False))
        ruled = stack.enter_context(_behind(home, host, scrub=True))
        yield Contest(
            "a request through the proxy",
            (
                Contestant("as much as is promised", lambda: Sample(_ADDED)),
                Contestant("added by the proxy", lambda: Sample(max(0.0, ruled.latency() - direct.latency())), 1.0),
                Contestant("without the proxy", lambda: Sample(direct.latency())),
            ),
            rounds,
            "median of 200 requests over one connection, each in the access log",
        )
        yield Contest(
            "128 MiB through the proxy",
            (
                Contestant("at 200 MB/s", lambda: Sample(SIZE / _QUICK)),
                _bytes("read without rules on it", plain.read, 1.0),
                _bytes("read with its values looked for", ruled.read, _QUICK / _SLOW),
                _bytes("sent", ruled.send, 1.0),
                _bytes("read without the proxy", direct.read),
            ),
            rounds,
            "with `scrub = false`, and with a rule",
        )
        (home.path / "text").write_bytes((b"x" * 99 + b"\n") * (SIZE // 100))
        yield Contest(
            "128 MiB of masked output",
            (
                Contestant("at 200 MB/s", lambda: Sample(SIZE / _QUICK)),
                _bytes("exec --mask-output", lambda: _cat(home, "--mask-output"), 1.0),
                _bytes("exec", lambda: _cat(home)),
            ),
            rounds,
            "`cat` into a pipe that is read",
        )


def _bytes(name: str, action: Callable[[], object], target: float = 0.0) -> Contestant:
    def measure() -> Sample:
        seconds = timed(action)
        return Sample(seconds, per_second=SIZE / seconds)

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
def _behind(home: Home, host: HttpsHost, *, scrub: bool) -> Generator[_Client, None, None]:
    rules = _RULES.format(roots=host.roots, host=HOST, port=host.port, scrub=str(scrub).lower())
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
        with _connected(host, int(found[2]), variables["SSL_CERT_FILE"], shown) as client:
            key = variables["SHOP_KEY"].encode()
            yield client._replace(head=client.head.replace(b"\r\n\r\n", b"\r\nauthorization: Bearer %b\r\n\r\n" % key))
    finally:
        home.envfs("proxy", "stop", session)


@contextlib.contextmanager
def _connected(host: HttpsHost, port: int, roots: str, shown: bytes) -> Generator[_Client, None, None]:
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
        with context.wrap_socket(plain, server_hostname=HOST) as stream:
            yield _Client(stream, b"GET %%b HTTP/1.1\r\nhost: %b\r\n\r\n" % name)

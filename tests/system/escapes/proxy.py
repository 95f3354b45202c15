"""Attempts at the proxy: other hosts by it, and requests that two programs may read in two ways."""

import base64
import contextlib
import os
import socket
import ssl
import tomllib
import urllib.parse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.system.escapes.trying import SECONDS, Attempt, text

KEY = b"authorization: Bearer PLACEHOLDER\r\n"


class Door:
    """The proxy, as it stands in the environment."""

    def __init__(self) -> None:
        url = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
        self.port, self.token = url.port or 0, url.password or ""
        self.credentials = base64.b64encode(f"envfs:{self.token}".encode()).decode()

    def plain(self, data: bytes) -> bytes:
        """Send bytes to the proxy. Return the answer."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as outgoing:
            return _exchange(outgoing, data)

    def tunnel(self, target: str, credentials: str | None = None) -> bytes:
        """Ask for a tunnel. Return the answer."""
        shown = self.credentials if credentials is None else credentials
        return self.plain(
            f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nproxy-authorization: Basic {shown}\r\n\r\n".encode()
        )

    def inside(self, data: bytes, name: str | None = None) -> bytes:
        """Send bytes to the host of the rule, by the tunnel."""
        target = f"{text('host')}:{text('host_port')}"
        head = f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nproxy-authorization: Basic {self.credentials}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as outgoing:
            outgoing.sendall(head.encode())
            if b" 200 " not in outgoing.recv(4096):
                raise ConnectionError
            context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
            context.check_hostname = name is None
            with context.wrap_socket(outgoing, server_hostname=name or text("host")) as secured:
                return _exchange(secured, data)


def _exchange(outgoing: socket.socket, data: bytes) -> bytes:
    outgoing.settimeout(SECONDS)
    outgoing.sendall(data)
    answer = b""
    with contextlib.suppress(OSError):
        while piece := outgoing.recv(1 << 16):
            answer += piece
            head, end, body = answer.partition(b"\r\n\r\n")
            if end and (b" 200 " in head.partition(b"\r\n")[0] or len(body) > 20):
                break
    return answer


def went_through(answer: bytes) -> object:
    """Return an answer that is no refusal."""
    status = answer.partition(b"\r\n")[0]
    return None if not answer or status[9:10] in (b"4", b"5") else answer[:200]


def proxy_attempts() -> Iterator[tuple[str, Attempt]]:
    """Yield each attempt at the proxy, with its name."""
    door, requests = Door(), tomllib.loads(Path(__file__).with_name("requests.toml").read_text(encoding="utf-8"))
    words = {"host": text("host"), "host_port": text("host_port"), "port": text("port"), "address": text("address")}
    words |= {"second": text("second"), "machine": socket.gethostname(), "own": str(door.port)}
    words["upper"] = text("host").upper()
    for target in requests["tunnels"]:
        yield f"tunnel to {target}", partial(_tunnel, door, target.format(**words))
    for way in (door.inside, door.plain):
        for name, data in requests["inside" if way == door.inside else "outside"].items():
            yield f"{way.__name__}: {name}", partial(_send, way, _filled(data.encode("latin-1"), door))
    for name, data in requests["carried"].items():
        yield f"carried: {name}", partial(_carry, door, _filled(data.encode("latin-1"), door))
    host = f"{text('host')}:{text('host_port')}"
    get = _filled(b"GET /smuggled HTTP/1.1\r\nhost: NAME\r\nKEY\r\n", door)
    yield "tunnel without a token", lambda: went_through(door.tunnel(host, ""))
    yield "tunnel with another token", lambda: went_through(door.tunnel(host, "ZW52ZnM6eA=="))
    yield "another name in TLS", lambda: went_through(door.inside(get, "other.test"))
    yield "redirect to another host", lambda: _redirected(door)


def _tunnel(door: Door, target: str) -> object:
    return went_through(door.tunnel(target))


def _send(way: Callable[[bytes], bytes], data: bytes) -> object:
    return went_through(way(data))


def _carry(door: Door, data: bytes) -> object:
    # what the host saw tells whether something came out of it
    answer = door.inside(data)
    return (
        None
        if answer.count(b"HTTP/1.1 ") <= 1 + answer.count(b"HTTP/1.1 100") + answer.count(b"HTTP/1.1 4")
        else answer
    )


def _filled(data: bytes, door: Door) -> bytes:
    token = f"proxy-authorization: Basic {door.credentials}\r\n".encode()
    for mark, filling in (
        (b"KEY", KEY if b"PLACEHOLDER" not in data else b"KEY"),
        (b"PLACEHOLDER", os.environ["SHOP_KEY"].encode()),
        (b"UNRULED", os.environ["OTHER"].encode()),
        (b"NAME", f"{text('host')}:{text('host_port')}".encode()),
        (b"TOKEN", token),
        (b"SECRET", door.token.encode()),
        (b"PORT", text("port").encode()),
        (b"MACHINE", socket.gethostname().encode()),
        (b"LONG", b"a" * 70_000),
    ):
        data = data.replace(mark, filling)
    return data


def _redirected(door: Door) -> object:
    # the proxy hands a redirect on, and the client that follows it is refused
    path = f"/redirect?to=https://127.0.0.1:{text('port')}/elsewhere"
    answer = door.inside(_filled(f"GET {path} HTTP/1.1\r\nhost: NAME\r\nconnection: close\r\n\r\n".encode(), door))
    if answer[9:12] not in (b"302", b"200"):
        return answer
    return went_through(door.tunnel(f"127.0.0.1:{text('port')}"))

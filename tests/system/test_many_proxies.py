"""Two hundred sessions of one daemon at once, each with a client that stays connected."""

import base64
import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.component.proxying import HOST, Upstream
from tests.conftest import Homes
from tests.system.home import SECONDS, Home, eventually
from tests.system.peer import HELLO, Peer
from tests.system.ruled import KEY, rule_text, ruled

pytestmark = pytest.mark.soak
MANY, STEP = 200, 40


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Give the module a host."""
    host = Upstream(tmp_path_factory.mktemp("upstream"))
    yield host
    host.close()


@pytest.fixture(scope="module")
def shop(new_home: Homes, upstream: Upstream) -> Iterator[Home]:
    """Give the module a home with a rule, and a daemon."""
    levels = {"/shop": f"SHOP_KEY={KEY}\n"}
    with ruled(new_home(), upstream, rule_text(upstream, name="shop"), levels=levels) as home:
        yield home


class Standing(NamedTuple):
    """A session whose client stays connected, and the header that it sends."""

    client: http.client.HTTPSConnection
    headers: dict[str, str]


@pytest.fixture(scope="module")
def sessions() -> Iterator[list[Standing]]:
    """Give the module its sessions, which grow from test to test."""
    standing: list[Standing] = []
    yield standing
    for session in standing:
        session.client.close()


def _open(peer: Peer, upstream: Upstream) -> Standing:
    reply = peer.ask({"type": "open-proxy", "level": "/shop"})
    sizes = int(str(reply["token_size"])), int(str(reply["certificate_size"]))
    token, certificate = peer.blob[: sizes[0]].decode(), peer.blob[sizes[0] : sum(sizes)].decode()
    entries = dict(entry.partition(b"=")[::2] for entry in peer.blob[sum(sizes) :].split(b"\0"))
    context = ssl.create_default_context(cadata=certificate)
    client = http.client.HTTPSConnection("127.0.0.1", int(str(reply["port"])), context=context, timeout=SECONDS)
    shown = base64.b64encode(f"envfs:{token}".encode()).decode()
    client.set_tunnel(HOST, upstream.port, {"Proxy-Authorization": f"Basic {shown}"})
    return Standing(client, {"Authorization": f"Bearer {entries[b'SHOP_KEY'].decode()}"})


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _proxies(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and b"envfs.proxy" in (entry / "cmdline").read_bytes():
                fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
                found += [int(entry.name)] * (int(fields[1]) == parent)
    return found


@pytest.mark.parametrize("number", range(STEP, MANY + 1, STEP))
def test_so_many_sessions_answer_at_once(shop: Home, upstream: Upstream, sessions: list[Standing], number: int) -> None:
    with Peer(shop.socket) as peer:
        peer.ask(HELLO)
        while len(sessions) < number:
            sessions.append(_open(peer, upstream))
    upstream.seen.clear()
    for client, headers in sessions:
        client.request("GET", "/key", headers=headers)
    for client, headers in sessions:
        assert json.loads(client.getresponse().read()) == {"you": headers["Authorization"]}
    assert [seen.headers["authorization"] for seen in upstream.seen] == [f"Bearer {KEY}"] * number
    daemon = int(json.loads(shop.envfs("status", "--json").text)["pid"])
    proxies = _proxies(daemon)
    assert len(proxies) == number
    print(f"{number}: each has {sum(map(_pss, proxies)) / number / 1024:.1f} MB with its part of what is shared")


def test_a_lock_ends_all_of_them(shop: Home, sessions: list[Standing]) -> None:
    assert sessions
    daemon = int(json.loads(shop.envfs("status", "--json").text)["pid"])
    shop.envfs("lock")
    eventually(lambda: not _proxies(daemon), "a lock ends all of them")

"""A network that is cut behind each byte, in each direction: what was acknowledged is there, and nothing else is.

A session is cut once, at a place of its own: in the greeting, in the handshake, in a question, in an answer.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from envfs.courier.engine import Engine
from envfs.errors import EnvFSError
from tests.engines.places import Place
from tests.engines.servers.etcd import etcd_server
from tests.engines.servers.forwarder import Forwarder, forwarding
from tests.engines.servers.plain_http import plain_http_server
from tests.engines.servers.postgresql import postgres_server
from tests.engines.servers.processes import running
from tests.engines.servers.sshd import Sshd
from tests.engines.using import connected, run

DATA = os.urandom(5_000)
ROUNDS = 40  # of each direction, in the soak


class Network(NamedTuple):
    """A way to a new empty place that a test can cut, and one that goes straight there."""

    network: Forwarder
    place: Place
    direct: Place


@contextlib.contextmanager
def http(folder: Path) -> Iterator[Network]:
    with plain_http_server(folder) as address, forwarding(urlsplit(address).port or 0) as network:
        yield Network(network, Place(f"http://127.0.0.1:{network.port}"), Place(address))


@contextlib.contextmanager
def ssh(folder: Path) -> Iterator[Network]:
    server = Sshd(folder)
    server.make()
    with running(server), forwarding(server.port) as network:
        hosts = folder / "known_hosts"
        hosts.write_text(f"{hosts.read_text()}{hosts.read_text().replace(f':{server.port}', f':{network.port}')}")
        direct = server.new_address(server.new_vault(), "--append-only")
        yield Network(network, Place(direct.replace(f":{server.port}/", f":{network.port}/")), Place(direct))


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Network]:
    with postgres_server(folder) as server, forwarding(server.port) as network:
        name = server.new_schema()
        yield Network(network, Place(server.address("alice", name, network.port)), Place(server.address("alice", name)))


@contextlib.contextmanager
def etcd(folder: Path) -> Iterator[Network]:
    with etcd_server(folder) as server, forwarding(server.port) as network:
        name = server.new_prefix()
        yield Network(network, Place(server.address("alice", name, network.port)), Place(server.address("alice", name)))


KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Network]]] = {
    "http": http,
    "ssh": ssh,
    "postgres": postgres,
    "etcd": etcd,
}


@pytest.fixture(params=["http", *(pytest.param(kind, marks=pytest.mark.soak) for kind in ("ssh", "postgres", "etcd"))])
def network(request: pytest.FixtureRequest, ground: Path) -> Iterator[Network]:
    with KINDS[request.param](Path(tempfile.mkdtemp(prefix="cuts-", dir=ground))) as network:
        yield network


def key(number: int) -> str:
    return f"level/shop/@{number:08d}.json"


async def session(place: Place, numbers: range, acknowledged: set[int]) -> None:
    """Put records, and read: over as soon as something fails."""
    async with connected(place) as engine:
        for number in numbers:
            if await engine.put_new(key(number), DATA):
                acknowledged.add(number)
            assert await engine.get([key(number)]) == {key(number): DATA}
        await engine.heads("")


def size_of_session(network: Network) -> dict[bool, int]:
    network.network.cut_at(1 << 30, is_request=True)
    run(session, network.place, range(1, 3), set[int]())
    return dict(network.network.passed)


@pytest.mark.parametrize("rounds", [6, pytest.param(ROUNDS, marks=pytest.mark.soak)])
@pytest.mark.parametrize("is_request", [True, False], ids=["questions", "answers"])
def test_a_session_that_is_cut_at_any_byte_loses_nothing(network: Network, *, is_request: bool, rounds: int) -> None:
    size, acknowledged, first = size_of_session(network)[is_request], {1, 2}, 3
    for turn in range(rounds):
        network.network.cut_at(turn * size // rounds, is_request=is_request)
        with contextlib.suppress(EnvFSError):
            run(session, network.place, range(first, first + 2), acknowledged)
        first += 2

    async def look() -> None:
        async with connected(network.direct) as engine:
            await check(engine, acknowledged)

    run(look)


async def check(engine: Engine, acknowledged: set[int]) -> None:
    stored = await engine.get(await engine.list("level/"))
    assert {key(number) for number in acknowledged} <= stored.keys()
    assert set(stored.values()) == {DATA}
    assert await engine.heads("") == {"level/shop": max(int(name[-13:-5]) for name in stored)}

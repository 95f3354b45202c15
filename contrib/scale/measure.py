"""The cost of one machine and one request at real engines: PostgreSQL, etcd and ssh, as the tests start them.

Seconds are those of the server's processes, out of /proc, so other work on this machine is not in them. Bytes are
counted on the way. What is not installed is left out.
"""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import trio
from model import ENGINES, Measured
from model import Engine as Kind

from envfs.core import names
from envfs.courier.address import parse_address
from envfs.courier.connecting import connect_engine
from envfs.courier.engine import Engine
from envfs.service.sharing.partition import Partition
from tests.engines.servers.etcd import EtcdServer
from tests.engines.servers.postgresql import PostgresServer
from tests.engines.servers.processes import Server, running
from tests.engines.servers.sshd import ENVFS, Sshd

MACHINES, WRITES, RECORD, IDLE_SECONDS = 8, 150, 1500, 11.0
_SECONDS = 300.0
_BLOCK = 512


class Place(NamedTuple):
    """A vault's place: the server's process, the address behind a port, and how many bytes its disk holds."""

    pid: int
    port: int
    address: Callable[[int], str]
    size: Callable[[], int]


def measure(name: str) -> Measured:
    """Measure an engine. Raises RuntimeError where its server is not installed."""
    with tempfile.TemporaryDirectory(prefix="envfs-scale-") as folder, _PLACES[name](Path(folder)) as place:
        return trio.run(_measure, place, ENGINES[name])


async def _measure(place: Place, kind: Kind) -> Measured:
    with trio.fail_after(_SECONDS):
        async with _counting(place.port) as (port, count), connected(place.address(port)) as one:
            await one.put_new(_key("first", 1), b"x")
            size, put = place.size(), await _cost(place, count, partial(_put_all, one, "shop"))
            size = (place.size() - size) // WRITES - RECORD
            get = await _cost(place, count, partial(_get_all, one))
            empty = await _cost(place, count, partial(_look_all, one, "other"))
            look = await _cost(place, count, partial(_look_all, one, "shop"))
        alone = await _watched(place, 0, "shop")
        own, foreign = await _watched(place, MACHINES, "shop"), await _watched(place, MACHINES, "other")
    hint = max(0.0, own.write - alone.write) / MACHINES
    foreign_hint = max(0.0, foreign.write - alone.write) / MACHINES
    return Measured(
        put.seconds,
        get.seconds,
        empty.seconds,
        max(0.0, look.seconds - empty.seconds) / (WRITES if kind.reads_records else 1),
        hint,
        min(hint, foreign_hint),
        own.connect,
        max(0.0, own.idle - alone.idle) / MACHINES,
        own.memory,
        max(0, size),
        get.bytes - RECORD,
        empty.bytes,
        (look.bytes - empty.bytes) / (WRITES if kind.lists_records else 1),
    )


class Spent(NamedTuple):
    """Seconds and bytes of one request."""

    seconds: float
    bytes: float


async def _cost(place: Place, count: list[int], work: Callable[[], object]) -> Spent:
    before, sent = _seconds(place.pid), count[0]
    await work()  # type: ignore[misc]
    return Spent((_seconds(place.pid) - before) / WRITES, (count[0] - sent) / WRITES)


class Watched(NamedTuple):
    """The cost of machines that watch: each connection, a second of all, each write of somebody, each one's memory."""

    connect: float
    idle: float
    write: float
    memory: float


async def _watched(place: Place, machines: int, project: str) -> Watched:
    seconds, memory = _seconds(place.pid), _memory(place.pid)
    prefixes = _part(project)
    number = max(1, machines)
    async with contextlib.AsyncExitStack() as stack, trio.open_nursery() as nursery:
        for _ in range(machines):
            engine = await stack.enter_async_context(connected(place.address(place.port)))
            await nursery.start(_watch, engine, prefixes)
        connect, held = (_seconds(place.pid) - seconds) / number, (_memory(place.pid) - memory) / number
        seconds = _seconds(place.pid)
        await trio.sleep(IDLE_SECONDS)
        idle = (_seconds(place.pid) - seconds) / IDLE_SECONDS
        writer = await stack.enter_async_context(connected(place.address(place.port)))
        await writer.heads("vault")
        seconds = _seconds(place.pid)
        await _put_all(writer, "shop", await _newest(writer))
        await trio.sleep(1)
        spent = (_seconds(place.pid) - seconds) / WRITES
        nursery.cancel_scope.cancel()
    return Watched(connect, idle, spent, held)


async def _newest(engine: Engine) -> int:
    return (await engine.heads("level/shop/prod/@")).get("level/shop/prod", 0)


async def _watch(engine: Engine, prefixes: tuple[str, ...], task_status: trio.TaskStatus[None]) -> None:
    async for stream in engine.watch(prefixes):
        if not stream:
            task_status.started() if task_status is not trio.TASK_STATUS_IGNORED else None
            task_status = trio.TASK_STATUS_IGNORED


async def _put_all(engine: Engine, project: str, after: int = 0) -> None:
    for number in range(after + 1, after + WRITES + 1):
        await engine.put_new(_key(f"{project}/prod", number), os.urandom(RECORD))


async def _get_all(engine: Engine) -> None:
    for _ in range(WRITES):
        await engine.get([_key("shop/prod", WRITES + number) for number in range(8)])


async def _look_all(engine: Engine, project: str) -> None:
    prefixes = _part(project)
    for _ in range(WRITES):
        await engine.heads(*prefixes)


def _part(project: str) -> tuple[str, ...]:
    return Partition(frozenset(map(names.project, ("/", f"/{project}")))).prefixes()


def _key(level: str, number: int) -> str:
    return f"level/{level}/@{number:08d}.json"


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Engine]:
    """Have an engine, as a courier has it."""
    engine = await connect_engine(parse_address(address))
    try:
        yield engine
    finally:
        await engine.close()


# -- the server --------------------------------------------------------------------------------------------------------


def _processes(pid: int) -> list[int]:
    children = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return [pid, *(one for child in children for one in _processes(child))]


def _seconds(pid: int) -> float:
    # schedstat has nanoseconds. Of processes that have ended the server's own tick counts
    ended = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]))
    alive = 0
    for process in _processes(pid):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{process}/task").iterdir():
                alive += int((task / "schedstat").read_text().split()[0])
    return alive / 1e9 + ended / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    total = 0
    for process in _processes(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


@contextlib.asynccontextmanager
async def _counting(port: int) -> AsyncIterator[tuple[int, list[int]]]:
    count = [0]

    async def copy(source: trio.SocketStream, target: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                count[0] += len(data)
                await target.send_all(data)

    async def serve(client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream("127.0.0.1", port)
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(copy, client, server)
            await copy(server, client)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listener.socket.getsockname()[1], count
        nursery.cancel_scope.cancel()


# -- engines -----------------------------------------------------------------------------------------------------------


def _pid(server: Server) -> int:
    if server._process is None:  # noqa: SLF001 - the tests' own
        raise RuntimeError("the server does not run")
    return server._process.pid  # noqa: SLF001


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[Place]:
    server = PostgresServer(folder)
    server.make()
    with running(server):
        schema = server.new_schema()
        size = partial(server.run_sql, f"SELECT pg_total_relation_size('{schema}.record')")
        yield Place(_pid(server), server.port, partial(server.address, "alice", schema), lambda: int(size()))


@contextlib.contextmanager
def _etcd(folder: Path) -> Iterator[Place]:
    server = EtcdServer(folder)
    server.make()
    with running(server):
        address = partial(server.address, "alice", server.new_prefix())
        yield Place(_pid(server), server.port, address, lambda: _in_use(server))


def _in_use(server: EtcdServer) -> int:
    # the pages of its database that are written to, as those ahead are reserved
    return sum(path.stat().st_blocks * _BLOCK for path in (server.data / "member/snap").iterdir())


@contextlib.contextmanager
def _ssh(folder: Path) -> Iterator[Place]:
    server = Sshd(folder)
    server.make()
    with running(server):
        vault = server.new_vault()
        key = server.new_member(f"{ENVFS} store-serve --append-only {vault}")
        hosts = server.folder / "known_hosts"

        def address(port: int) -> str:
            line = hosts.read_text().splitlines()[0].replace(f":{server.port}", f":{port}")
            hosts.write_text(f"{hosts.read_text()}{line}\n")
            return server.address("ssh", vault, key, port)

        yield Place(_pid(server), server.port, address, lambda: _blocks(vault))


def _blocks(folder: Path) -> int:
    return sum(path.stat().st_blocks * _BLOCK for path in folder.rglob("*"))


_PLACES = {"ssh": _ssh, "postgres": _postgres, "etcd": _etcd}

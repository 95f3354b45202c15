"""Faults in every phase: whoever is killed, cut or full, no record that was acknowledged is lost, and nothing hangs.

A writer puts records until the fault, and counts those that were acknowledged. Afterwards each of them is there, whole,
and no other bytes are.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import trio

from envfs.core.secret import Secret
from envfs.courier import questions
from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.engines.sftp import starting
from envfs.courier.engines.ssh import engine as ssh_engine
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.service.sharing.courier_link import CourierProcess, running_courier
from tests.engines.places import Place, Way
from tests.engines.servers.forwarder import Forwarder
from tests.engines.servers.sshd import Sshd
from tests.engines.using import connected, hints_of, run, use_one

SIZE = 20_000


def key(number: int) -> str:
    return f"level/shop/@{number:08d}.json"


def content(number: int) -> bytes:
    return (b"%d " % number) * (SIZE // 8)


async def write(engine: Engine, acknowledged: list[int], until: Callable[[], bool] = lambda: False) -> None:
    """Put one record after the other, until there is a fault."""
    number = max(acknowledged, default=0)
    with contextlib.suppress(EnvFSError):
        while not until():
            number += 1
            if await engine.put_new(key(number), content(number)) or await is_mine(engine, number):
                acknowledged.append(number)


async def is_mine(engine: Engine, number: int) -> bool:
    return await engine.get([key(number)]) == {key(number): content(number)}


async def check(engine: Engine, acknowledged: list[int]) -> None:
    """See that each record that was acknowledged is there, and that nothing else than whole ones are."""
    keys = await engine.list("level/")
    stored = await engine.get(keys)
    for number in acknowledged:
        assert key(number) in stored, number
    assert stored == {key(number): content(number) for number in range(1, len(keys) + 1)}
    assert len(keys) - len(acknowledged) in (0, 1)  # the last one may be there, and its answer lost


async def more_than(acknowledged: list[int], count: int) -> None:
    while len(acknowledged) < count:  # noqa: ASYNC110 - a list grows
        await trio.sleep(0.001)


# -- a courier is killed -----------------------------------------------------------------------------------------------


def test_what_a_courier_acknowledged_before_it_was_killed_is_there(tmp_path: Path) -> None:
    address, acknowledged = Secret(f"folder:{tmp_path}"), list[int]()

    async def use() -> None:
        for turn in (1, 2):
            process = CourierProcess()
            await process.begin(address)
            async with killed_at(process.pid, acknowledged, 7 * turn):
                await use_process(process, lambda engine: write(engine, acknowledged))
        async with running_courier(address) as engine:
            await check(engine, acknowledged)

    run(use)
    assert len(acknowledged) >= 14
    assert not [name for name in os.listdir(tmp_path / "level" / "shop") if not name.startswith("@")]


async def use_process(process: CourierProcess, use: Callable[[Engine], Awaitable[None]]) -> None:
    from envfs.service.sharing.courier_link import CourierEngine

    engine = CourierEngine(process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(engine.run)
        await use(engine)
        await engine.close()


@contextlib.asynccontextmanager
async def killed_at(pid: int, acknowledged: list[int], count: int):  # noqa: ANN201 - a context
    """Kill a process when so many records were acknowledged."""

    async def kill() -> None:
        await more_than(acknowledged, count)
        os.kill(pid, signal.SIGKILL)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill)
        yield


# -- a server over ssh, and the network to it --------------------------------------------------------------------------


@pytest.fixture
def network(sshd: Sshd) -> Iterator[Forwarder]:
    forwarder = Forwarder(sshd.port)
    yield forwarder
    forwarder.close()


@pytest.fixture(params=["ssh", "sftp"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def through(sshd: Sshd, network: Forwarder, scheme: str) -> str:
    """Return the address of an empty folder behind a network. The host's key is known by the other port as well."""
    hosts = sshd.folder / "known_hosts"
    line = hosts.read_text().splitlines()[0].replace(f":{sshd.port}", f":{network.port}")
    hosts.write_text(f"{hosts.read_text()}{line}\n")
    return member_address(sshd, sshd.new_vault(), scheme).replace(f":{sshd.port}/", f":{network.port}/")


def member_address(sshd: Sshd, vault: Path, scheme: str) -> str:
    return sshd.sftp_address(vault) if scheme == "sftp" else sshd.new_address(vault, "--append-only")


def sessions(sshd: Sshd) -> list[int]:
    """List the server's processes for connections."""
    assert sshd._process is not None
    path = Path(f"/proc/{sshd._process.pid}/task/{sshd._process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def servers_of(sshd: Sshd) -> list[int]:
    """List the processes of `store-serve` below it, or of the server of SFTP, which is one of sshd's."""
    below = [pid for session in sessions(sshd) for pid in descendants(session)]
    return [pid for pid in below if any(word in command_line(pid) for word in ("store_server", "internal-sftp"))]


def descendants(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from descendants(int(child))


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@pytest.mark.soak
@pytest.mark.parametrize("fault", ["server killed", "session killed", "network cut"])
def test_what_a_server_acknowledged_before_a_fault_is_there_and_writing_goes_on(
    sshd: Sshd, network: Forwarder, scheme: str, fault: str
) -> None:
    place, acknowledged = Place(through(sshd, network, scheme)), list[int]()

    def strike() -> None:
        match fault:
            case "server killed":
                for pid in servers_of(sshd):
                    os.kill(pid, signal.SIGKILL)
            case "session killed":
                for pid in sessions(sshd):
                    os.kill(pid, signal.SIGKILL)
            case _:
                network.cut()

    async def use(engine: Engine) -> None:
        for turn in range(1, 4):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(strike_at, 10 * turn)
                await write(engine, acknowledged)
            network.resume()
            await until_usable(engine)
        await check(engine, acknowledged)

    async def strike_at(count: int) -> None:
        await more_than(acknowledged, count)
        strike()

    use_one(place, use)
    assert len(acknowledged) >= 30


async def until_usable(engine: Engine) -> None:
    while True:
        with contextlib.suppress(StoreUnavailable):
            await engine.heads("")
            return
        await trio.sleep(0.05)


@pytest.mark.soak
@pytest.mark.parametrize("phase", ["before the greeting", "in the middle"])
def test_a_network_that_passes_nothing_on_ends_each_question_in_bounded_time(
    sshd: Sshd, network: Forwarder, scheme: str, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "SILENT_SECONDS", 3.0)
    place = Place(through(sshd, network, scheme))

    async def use(engine: Engine) -> None:
        network.pause()
        for ask in (lambda: engine.put_new(key(1), content(1)), lambda: engine.heads(""), lambda: engine.get([key(1)])):
            with pytest.raises(StoreUnavailable):
                await ask()
        network.resume()
        await until_usable(engine)
        assert await engine.put_new(key(1), content(1)) or await is_mine(engine, 1)

    if phase == "in the middle":
        use_one(place, use)
        return
    monkeypatch.setattr(ssh_engine, "_BEGIN_SECONDS", 3.0)
    monkeypatch.setattr(starting, "_BEGIN_SECONDS", 3.0)
    network.pause()
    with pytest.raises(StoreUnavailable):
        use_one(place, use)


@pytest.mark.soak
def test_a_watch_over_a_network_that_was_cut_goes_on_with_what_came_meanwhile(
    sshd: Sshd, network: Forwarder, scheme: str
) -> None:
    address = through(sshd, network, scheme)
    direct = address.replace(f":{network.port}/", f":{sshd.port}/")

    async def use() -> None:
        async with (
            connected(Place(address)) as engine,
            connected(Place(direct)) as other,
            hints_of(engine, "") as watch,
        ):
            network.cut()
            assert await other.put_new(key(1), content(1))
            network.resume()
            while await anext(watch) != EVERYTHING:
                pass
            assert await engine.heads("") == {"level/shop": 1}

    run(use)


# -- a full disk -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["folder", "ssh", "sftp"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Give a folder with room for some records, and how it is reached."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], check=True, timeout=60)
    yield folder, request.param
    subprocess.run(["umount", folder], check=True, timeout=60)


def test_a_full_disk_is_a_fault_that_loses_nothing_and_ends_with_it(small_disk: tuple[Path, str], sshd: Sshd) -> None:
    folder, way = small_disk
    address = f"folder:{folder}" if way == "folder" else member_address(sshd, folder, way)
    acknowledged: list[int] = []

    async def use(engine: Engine) -> None:
        await write(engine, acknowledged)
        with pytest.raises(StoreUnavailable, match="no space left"):
            await engine.put_new(key(len(acknowledged) + 1), content(1))
        await check(engine, acknowledged)
        subprocess.run(["mount", "-o", "remount,size=800k", folder], check=True, timeout=60)  # noqa: ASYNC221 - short
        more = len(acknowledged) + 3
        await write(engine, acknowledged, lambda: len(acknowledged) >= more)
        await check(engine, acknowledged)

    use_one(Place(address, way=Way.DIRECT), use)
    assert len(acknowledged) > 6


# -- an engine that loses what it acknowledged -------------------------------------------------------------------------


def test_records_that_an_engine_has_lost_can_be_put_there_again(tmp_path: Path) -> None:
    acknowledged: list[int] = []

    async def use(engine: Engine) -> None:
        await write(engine, acknowledged, lambda: len(acknowledged) >= 10)
        for number in range(6, 11):
            os.unlink(tmp_path / key(number))
        assert await engine.heads("") == {"level/shop": 5}
        assert sorted(await engine.get([key(number) for number in range(1, 11)])) == [key(n) for n in range(1, 6)]
        for number in range(6, 11):
            assert await engine.put_new(key(number), content(number)) is True
        await check(engine, acknowledged)

    use_one(Place(f"folder:{tmp_path}"), use)

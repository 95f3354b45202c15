"""Servers that are killed, cut off, set back or full: what was acknowledged is there, and nothing waits for ever.

The limits of a wait are lowered where a test has to reach them. Nothing depends on how fast anything is.
"""

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.engines.etcd import gateway, watching
from envfs.courier.engines.postgres import engine as postgres_verbs
from envfs.courier.engines.postgres import listening
from envfs.errors import StoreUnavailable
from tests.engines.places import Place
from tests.engines.servers.etcd import EtcdServer, etcd_server
from tests.engines.servers.forwarder import Forwarder, forwarding
from tests.engines.servers.postgresql import PostgresServer, postgres_server
from tests.engines.servers.processes import give_away
from tests.engines.using import SECONDS, connected, hints_of, run, use_one

pytestmark = pytest.mark.soak
BYTES = 600_000
AnyServer = PostgresServer | EtcdServer
ROOT = Path(__file__).parents[2]


class Faulty:
    """A server behind a network that a test can disturb, and an empty place on it."""

    def __init__(self, server: AnyServer, forwarder: Forwarder) -> None:
        self.server = server
        self.forwarder = forwarder
        name = server.new_schema() if isinstance(server, PostgresServer) else server.new_prefix()
        self.place = Place(server.address("alice", name, forwarder.port))
        self.direct = Place(server.address("alice", name))

    def restart(self) -> None:
        self.server.kill()
        self.server.start()


@contextlib.contextmanager
def started(kind: str, folder: Path) -> Iterator[AnyServer]:
    with postgres_server(folder) if kind == "postgres" else etcd_server(folder) as server:
        yield server


@pytest.fixture(scope="module", params=["postgres", "etcd"])
def server(request: pytest.FixtureRequest, ground: Path) -> Iterator[AnyServer]:
    with started(request.param, Path(tempfile.mkdtemp(prefix="faults-", dir=ground))) as running:
        yield running


@pytest.fixture
def faulty(server: AnyServer) -> Iterator[Faulty]:
    with forwarding(server.port) as forwarder:
        yield Faulty(server, forwarder)


def key(number: int) -> str:
    return f"level/shop/@{number:08d}.json"


PHASES: dict[str, Callable[[Forwarder, Callable[[], None]], None]] = {
    "the request begins": lambda forwarder, act: forwarder.act_after(1, act),
    "half of the request is there": lambda forwarder, act: forwarder.act_after(BYTES // 2, act),
    "the request is there": lambda forwarder, act: forwarder.act_after(BYTES, act),
    "the answer is on its way": lambda forwarder, act: forwarder.act_before_answer(act),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("fault", ["killed", "cut", "silent"])
def test_a_write_ends_with_an_error_and_can_be_tried_again(
    faulty: Faulty, phase: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(BYTES)

    def kill() -> None:
        faulty.server.kill()
        faulty.forwarder.cut()  # or an answer that the server gave before would still arrive

    actions = {"killed": kill, "cut": faulty.forwarder.cut, "silent": faulty.forwarder.pause}

    async def use() -> None:
        async with connected(faulty.place) as engine:
            assert await engine.put_new(key(1), b"first")
            PHASES[phase](faulty.forwarder, actions[fault])
            with monkeypatch.context() as patch:
                if fault == "silent":
                    patch.setattr(postgres_verbs, "STATEMENT_SECONDS", 1.0)
                    patch.setattr(gateway, "SECONDS", 1.0)
                with pytest.raises(StoreUnavailable):
                    await engine.put_new(key(2), data)
            if fault == "killed":
                faulty.server.start()
            faulty.forwarder.resume()
            # once the first try is over at the server, whichever way it went, there is one record and it is whole
            await engine.put_new(key(2), data)
            assert await engine.put_new(key(2), b"another") is False
            assert await engine.get([key(1), key(2)]) == {key(1): b"first", key(2): data}
            assert await engine.heads("") == {"level/shop": 2}

    run(use)


def test_acknowledged_records_are_there_after_the_server_was_killed(faulty: Faulty) -> None:
    acknowledged = dict[str, bytes]()

    async def write(engine: Engine) -> None:
        with contextlib.suppress(StoreUnavailable):
            for number in range(1, 10_000):
                data = b"%d" % number * 1000
                if await engine.put_new(key(number), data):
                    acknowledged[key(number)] = data

    async def use(engine: Engine) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, engine)
            while len(acknowledged) < 20:  # noqa: ASYNC110 - the writer tells nobody
                await trio.sleep(0.01)
            faulty.server.kill()
        faulty.server.start()
        assert await engine.get(list(acknowledged)) == acknowledged
        assert (await engine.heads("level/"))["level/shop"] >= len(acknowledged)

    use_one(faulty.direct, use)


def test_questions_that_wait_behind_a_silent_server_end_with_the_first(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = list[str]()

    async def ask(engine: Engine) -> None:
        with contextlib.suppress(StoreUnavailable):
            await engine.heads("")
            ended.append("answered")
        ended.append("")

    async def use(engine: Engine) -> None:
        await engine.heads("")
        faulty.forwarder.pause()
        monkeypatch.setattr(postgres_verbs, "STATEMENT_SECONDS", 1.0)
        monkeypatch.setattr(gateway, "SECONDS", 1.0)
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(ask, engine)
        assert ended == [""] * 100
        faulty.forwarder.resume()

    use_one(faulty.place, use)


@pytest.mark.parametrize("fault", ["killed", "cut"])
def test_a_watch_that_was_cut_begins_again_with_a_hint_for_everything(faulty: Faulty, fault: str) -> None:
    async def use() -> None:
        async with connected(faulty.place) as two, hints_of(two, "level/") as hints:
            if fault == "killed":
                faulty.restart()
            else:
                faulty.forwarder.cut()
                async with connected(faulty.direct) as one:
                    assert await one.put_new(key(1), b"meanwhile")
                faulty.forwarder.resume()
            while await anext(hints) != EVERYTHING:
                pass
            async with connected(faulty.direct) as one:
                assert await one.put_new(key(2), b"later")
            while await anext(hints) not in (EVERYTHING, "level/shop"):
                pass
            assert await two.heads("level/") == {"level/shop": 2}

    run(use)


def test_a_watch_of_a_silent_server_has_hints_for_everything(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_QUIET_SECONDS", 0.2)
    monkeypatch.setattr(listening, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(watching, "_QUIET_SECONDS", 0.2)

    async def use(engine: Engine) -> None:
        async with hints_of(engine, "level/") as hints:
            faulty.forwarder.pause()
            async with trio.open_nursery() as nursery:

                async def resume_later() -> None:
                    await trio.sleep(2)
                    faulty.forwarder.resume()

                nursery.start_soon(resume_later)
                while await anext(hints) != EVERYTHING:
                    pass

    use_one(faulty.place, use)


@pytest.mark.parametrize("kind", ["postgres", "etcd"])
def test_a_server_that_lost_its_last_records_shows_lower_heads_and_takes_them_again(kind: str, ground: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="set-back-", dir=ground))
    with started(kind, folder) as server, forwarding(server.port) as forwarder:
        faulty = Faulty(server, forwarder)

        async def write(engine: Engine, first: int, last: int) -> None:
            for number in range(first, last + 1):
                assert await engine.put_new(key(number), b"%d" % number)

        use_one(faulty.direct, lambda engine: write(engine, 1, 5))
        server.stop()
        shutil.copytree(server.data, folder / "older", symlinks=True)
        server.start()

        async def use(engine: Engine) -> None:
            await write(engine, 6, 9)
            server.kill()
            shutil.rmtree(server.data)
            (folder / "older").rename(server.data)
            give_away(server.data)
            server.start()
            assert await engine.heads("") == {"level/shop": 5}
            assert await engine.get([key(5), key(6)]) == {key(5): b"5"}
            await write(engine, 6, 9)
            assert await engine.heads("") == {"level/shop": 9}

        use_one(faulty.direct, use)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
@pytest.mark.parametrize("kind", ["postgres", "etcd"])
def test_a_server_whose_disk_is_full_keeps_what_it_acknowledged(kind: str, ground: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="full-", dir=ground))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=220m,mode=755", "small", str(folder)], check=True)
    acknowledged = dict[str, bytes]()
    try:
        with started(kind, folder) as server, forwarding(server.port) as forwarder:
            place = Faulty(server, forwarder).direct
            ballast = folder / "ballast"
            ballast.write_bytes(bytes(64 << 20))

            async def fill(engine: Engine) -> None:
                for number in range(1, 1000):
                    data = os.urandom(BYTES)
                    if await engine.put_new(key(number), data):
                        acknowledged[key(number)] = data

            with pytest.raises(StoreUnavailable):
                use_one(place, fill)
            ballast.unlink()
            server.kill()
            server.start()

            async def look(engine: Engine) -> None:
                for name, data in acknowledged.items():
                    assert await engine.get([name]) == {name: data}
                await engine.put_new("member/@00000001.json", b"x")

            assert acknowledged
            use_one(place, look)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_no_time_of_a_server_is_stored_or_read(server: AnyServer) -> None:
    """So it does not matter that a clock is a day before or behind: it has no say."""
    if isinstance(server, PostgresServer):
        schema = server.new_schema()
        query = f"SELECT data_type FROM information_schema.columns WHERE table_schema = '{schema}'"  # noqa: S608 - ours
        assert set(server.run_sql(query).split("\n")) - {""} == {"text", "bytea", "name", "bigint"}
    for module in Path(postgres_verbs.__file__).parents[1].rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert not any(word in text for word in ("now()", "timestamp", "localtime", '"date"', "import time"))


_CLOCKS = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), "")
_OTHER_DAY = f"""
import sys, time
from tests.engines.places import Place
from tests.engines.using import hints_of, use_one
KEY = {key(2)!r}

async def use(engine):
    async with hints_of(engine, "level/") as hints:
        assert await engine.put_new(KEY, b"x")
        while await anext(hints) not in ("", "level/shop"):
            pass
    assert await engine.heads("level/") == {{"level/shop": 2}}
    assert await engine.put_new(KEY, b"y") is False

use_one(Place(sys.argv[1]), use)
print(time.time())
"""


@pytest.mark.skipif(not _CLOCKS, reason="needs libfaketime")
@pytest.mark.parametrize("offset", ["+1d", "-1d"])
def test_a_server_whose_clock_is_a_day_off_from_a_member_s_serves_it(faulty: Faulty, offset: str) -> None:
    """The certificates too: each begins two days before it is made."""
    use_one(faulty.direct, lambda engine: engine.put_new(key(1), b"x"))
    environ = {**os.environ, "LD_PRELOAD": _CLOCKS, "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1"}
    command = [sys.executable, "-c", _OTHER_DAY, faulty.direct.address]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert abs(float(done.stdout) - time.time()) > 12 * 3600  # it really was another clock


def test_a_server_that_is_stopped_and_continued_goes_on(faulty: Faulty) -> None:
    async def use(engine: Engine) -> None:
        assert await engine.put_new(key(1), b"x")
        faulty.server.send(signal.SIGSTOP)
        with trio.move_on_after(0.2):
            await engine.put_new(key(2), b"x")
        faulty.server.send(signal.SIGCONT)
        await engine.put_new(key(2), b"x")
        assert await engine.heads("") == {"level/shop": 2}

    use_one(faulty.direct, use)

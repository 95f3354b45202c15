"""An engine in memory, with the faults that a test asks for, and the worlds of machines that share a vault on it."""

import math
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from envfs.core import record, shared_keys
from envfs.core.secret import Secret
from envfs.courier.engine import EVERYTHING, Engine
from envfs.errors import NotApproved, StoreUnavailable
from envfs.service.keys.identity import load_identity
from tests.component.world import TRUSTED, World

SECONDS = 30.0  # that a test waits for a condition at most


class EngineInMemory:
    """What an engine has, and who watches it."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.watches: set[trio.MemorySendChannel[str]] = set()

    def versions(self, level: str) -> int:
        """Return how many versions of a level the engine has."""
        stream = record.level_stream(level)
        return sum(key.rpartition("/")[0] == stream for key in self.records)


class Line:
    """One machine's way to an engine. `away` makes every verb fail, `stuck` wait for ever.

    Records in `withheld` are named and not given. After `lost_answers` puts that are carried out there is an error in
    place of the answer. `before_put` is asked before each one, with its key.
    """

    def __init__(self, engine: EngineInMemory) -> None:
        self._engine = engine
        self.away = False
        self.stuck = False
        self.lost_answers = 0
        self.lost_erasures = 0
        self.may_erase = True
        self.asked: list[str] = []
        self.prefixes: set[str] = set()  # of keys, of which heads were asked for
        self.fetched: set[str] = set()
        self.withheld: set[str] = set()
        self.watched: tuple[str, ...] = ()
        self.late = ""
        self.before_put: Callable[[str], Awaitable[None]] | None = None

    @asynccontextmanager
    async def connect(self, _address: Secret[str]) -> AsyncGenerator[Engine, None]:
        await self._reach("connect")
        yield self

    async def _reach(self, verb: str) -> None:
        self.asked.append(verb)
        await trio.lowlevel.checkpoint()
        if self.stuck:
            await trio.sleep_forever()
        if self.away:
            raise StoreUnavailable("the engine is away, as the test wants it")

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        await self._reach("heads")
        self.prefixes.update(prefixes)
        return shared_keys.newest_numbers(key for key in self._engine.records if key.startswith(prefixes))

    async def list(self, prefix: str) -> Sequence[str]:
        await self._reach("list")
        return sorted(key for key in self._engine.records if key.startswith(prefix))

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        await self._reach("get")
        self.fetched.update(keys)
        given = [key for key in keys if key not in self.withheld]
        return {key: self._engine.records[key] for key in given if key in self._engine.records}

    async def put_new(self, key: str, data: bytes) -> bool:
        await self._reach("put_new")
        if self.before_put is not None:
            await self.before_put(key)
        is_new = key not in self._engine.records
        self._engine.records.setdefault(key, data)
        if is_new:
            for watch in self._engine.watches:
                watch.send_nowait(key.rpartition("/")[0])
        if self.lost_answers:
            self.lost_answers -= 1
            raise StoreUnavailable("the answer was lost, as the test wants it")
        return is_new

    async def erase(self, key: str) -> None:
        await self._reach("erase")
        if self.lost_erasures:
            self.lost_erasures -= 1
            raise StoreUnavailable("the engine did not erase, as the test wants it")
        if not self.may_erase:
            raise NotApproved("this member may not erase")
        self._engine.records[key] = b""

    async def watch(self, prefixes: Sequence[str]) -> AsyncIterator[str]:
        self.watched = tuple(prefixes)
        sending, receiving = trio.open_memory_channel[str](math.inf)
        self._engine.watches.add(sending)
        try:
            yield EVERYTHING
            async for stream in receiving:
                if self.away:
                    return
                yield stream
        finally:
            self._engine.watches.discard(sending)

    async def close(self) -> None:
        return


def set_engine(world: World, address: str = "folder:/engine") -> None:
    """Name an engine in the settings."""
    path = Path(world.places.settings)
    path.write_text(f'{path.read_text()}\n[store]\nengine = "{address}"\n')
    os.utime(path, (1, 1))  # another time than before, whatever the clock's tick


def joined(world: World, engine: EngineInMemory) -> Line:
    """Give a world a way to an engine."""
    line = Line(engine)
    world.service.sharing.connect = line.connect
    return line


def line_of(world: World) -> Line:
    """Return a world's way to the engine."""
    line = getattr(world.service.sharing.connect, "__self__", None)
    assert isinstance(line, Line)
    return line


def copied(world: World, folder: Path) -> World:
    """Return the world of another machine, which starts with a copy of that one's vault and identity."""
    folder.mkdir()
    other = World(folder, world.keyholder)  # type: ignore[arg-type]
    shutil.copytree(world.places.home, other.places.home, dirs_exist_ok=True)
    return other


async def begin(nursery: trio.Nursery, *worlds: World) -> None:
    """Let worlds share, as their daemons do."""
    for world in worlds:
        await load_identity(world.service, ())
        nursery.start_soon(world.open_vault.changes.run)
        nursery.start_soon(world.service.sharing.run)


async def until_equal(engine: EngineInMemory, *worlds: World) -> None:
    """Wait until nothing waits, and every world has what the engine has."""
    await until(lambda: all(is_equal(engine, world) for world in worlds))


def is_equal(engine: EngineInMemory, world: World) -> bool:
    """Tell whether a world has what the engine has, and nothing waits."""
    store = world.service.store
    keys = {key for top in ("member/", "key/", "tombstone/", "level/") for key in store.mirror.list(top)}
    return not len(store.outbox) and {key: store.get(key) for key in keys} == engine.records


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    with trio.fail_after(SECONDS):
        while not is_so():  # noqa: ASYNC110 - what it looks at tells nobody that it changed
            await trio.sleep(0.01)
        await trio.sleep(TRUSTED)

"""The part of a vault that a machine mirrors and watches: what its member may open, as the list of members changes."""

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from envfs.core import record
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from envfs.service.keys.identity import load_identity
from envfs.service.maintenance.joining import join_vault
from envfs.service.members.approving import approve_member
from envfs.service.members.inviting import invite_member
from envfs.service.members.revoking import change_member
from tests.component.sharing_engine import EngineInMemory, Line, begin, joined, set_engine, until
from tests.component.team import invitation
from tests.component.world import ME, World, memory, run


class Pair(NamedTuple):
    """An owner, a reader of one project with a machine of their own, and the engine between them."""

    engine: EngineInMemory
    owner: World
    reader: World
    line: Line  # of the reader

    def mirrored(self) -> set[str]:
        """Return the streams that the reader's machine has."""
        return {
            key.rpartition("/")[0] for top in ("level", "key") for key in self.reader.service.store.mirror.list(top)
        }

    async def entries(self, number: int) -> None:
        """Wait until both machines read so many entries of the list."""
        for world in (self.owner, self.reader):
            await until(lambda world=world: world.open_vault.vault.last(record.MEMBERS) == number)  # type: ignore[misc]

    async def let_in(self) -> None:
        """Let the reader join, approve them, and have their machine open what it may."""
        where = os.memfd_create("envfs-test", os.MFD_CLOEXEC)
        await invite_member(self.owner.service, ME, invitation("ben", "reader", "/shop/prod"), (where,))
        handle = memory(os.pread(where, 100, 0))
        await self.entries(2)
        identity = str(self.reader.folder / "identity.txt")
        came = await join_vault(self.reader.service, ME, control.JoinVault(identity), (handle,))
        await self.entries(3)
        assert self.mirrored() == set()  # nobody has let it in
        await approve_member(self.owner.service, ME, "ben", came.fingerprint)
        await self.entries(4)
        await load_identity(self.reader.service, ())
        await self.has("/shop/prod")
        os.close(handle)
        os.close(where)

    async def has(self, level: str, version: int = 1) -> None:
        """Wait until the reader's machine has a version."""
        key = record.record_key(record.level_stream(level), version)
        await until(lambda: self.reader.service.store.get(key) is not None)

    async def change(self, *levels: str) -> None:
        """Give the reader other levels."""
        await change_member(self.owner.service, ME, control.ChangeMember("ben", "reader", levels, 0))


@pytest.fixture
def pair(world: World, fresh: KeyholderLink, tmp_path: Path) -> Iterator[Pair]:
    engine = EngineInMemory()
    reader = World(tmp_path / "reader", fresh)
    Path(reader.places.vault).mkdir(parents=True)
    shutil.copy(Path(world.places.vault) / "vault.toml", reader.places.vault)
    settings = Path(reader.places.settings)
    settings.write_text(f'[identity]\nfile = "{reader.folder}/identity.txt"\n[store]\nengine = "folder:/engine"\n')
    settings.chmod(0o600)
    set_engine(world)
    joined(world, engine)
    yield Pair(engine, world, reader, joined(reader, engine))
    reader.close()


def shared(pair: Pair, script: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, pair.owner)
            pair.reader.open_vault  # noqa: B018 - it is opened by this
            nursery.start_soon(pair.reader.service.sharing.run)
            await pair.let_in()
            await script()
            nursery.cancel_scope.cancel()

    run(main)


def test_a_machine_asks_for_its_project_alone_and_watches_nothing_else(pair: Pair) -> None:
    async def script() -> None:
        await until(lambda: "level/shop/" in pair.line.watched)
        own = {"level", "level/shop", "level/shop/prod", "key", "key/shop"}
        await until(lambda: pair.mirrored() == own)
        pair.line.prefixes.clear()  # it began when there was no list of members
        pair.line.fetched.clear()
        pair.reader.service.sharing.wake()
        await pair.owner.write("/blog", "A=1\n", "merge")
        await pair.owner.write("/shop/prod", "A=1\n", "merge")
        await pair.has("/shop/prod", 2)
        assert "member/" in pair.line.prefixes
        assert pair.mirrored() == own
        assert "" not in {*pair.line.prefixes, *pair.line.watched}
        assert not [text for text in {*pair.line.prefixes, *pair.line.fetched} if "blog" in text]

    shared(pair, script)


def test_a_project_that_is_opened_later_is_fetched_and_watched_from_then_on(pair: Pair) -> None:
    async def script() -> None:
        await pair.change("/shop/prod", "/blog")
        await pair.has("/blog")
        await until(lambda: "level/blog/" in pair.line.watched)
        await pair.owner.write("/blog", "A=1\n", "merge")
        await pair.has("/blog", 2)
        await pair.change("/")
        await until(lambda: pair.line.watched == ("",))

    shared(pair, script)


def test_a_project_that_is_closed_later_is_fetched_no_more_and_stays_as_it_is(pair: Pair) -> None:
    async def script() -> None:
        await pair.change("/shop/prod", "/blog")
        await pair.has("/blog")
        await pair.change("/shop/prod")
        await until(lambda: bool(pair.line.watched) and "level/blog/" not in pair.line.watched)
        pair.line.prefixes.clear()
        pair.line.fetched.clear()
        await pair.owner.write("/blog", "A=1\n", "merge")
        await pair.owner.write("/shop/prod", "A=1\n", "merge")
        pair.reader.service.sharing.wake()
        await pair.has("/shop/prod", 2)
        assert pair.reader.service.store.get(record.record_key("level/blog", 1))
        assert not [text for text in {*pair.line.prefixes, *pair.line.fetched} if "blog" in text]
        del pair.engine.records[record.record_key("level/blog", 2)]
        del pair.engine.records[record.record_key("level/blog", 1)]
        assert pair.reader.service.sharing.facts.lost.all() == {}

    shared(pair, script)


def test_what_is_withheld_or_lost_of_the_own_part_is_told(pair: Pair) -> None:
    async def script() -> None:
        await until(lambda: bool(pair.reader.service.sharing.facts.contact.time))
        facts = pair.reader.service.sharing.facts
        pair.engine.records[record.record_key("level/shop/prod", 3)] = b"later"
        pair.reader.service.sharing.wake()
        await until(lambda: "does not give @00000002.json" in str(facts.refused.get("level/shop/prod")))
        del pair.engine.records[record.record_key("level/shop/prod", 3)]
        lost = pair.engine.records.pop(record.record_key("level/shop", 1))
        pair.reader.service.sharing.wake()
        await until(lambda: pair.engine.records.get(record.record_key("level/shop", 1)) == lost)
        assert set(facts.lost.all()) <= {"level/shop"}

    shared(pair, script)


def test_a_locked_machine_knows_its_part_after_a_restart(pair: Pair, tmp_path: Path) -> None:
    async def script() -> None:
        await until(lambda: bool(pair.reader.service.sharing.facts.contact.device))

    shared(pair, script)
    again = World(tmp_path / "reader", pair.reader.keyholder)  # type: ignore[arg-type]
    assert again.service.sharing.facts.device
    again.close()

"""Writing while others write: no change is lost but one of the same variable, and nothing is overwritten."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trio
import trio.testing

from envfs.core import record
from envfs.core.operations import Operation
from envfs.errors import AuditUnavailable, Conflict, NoSuchVariable
from envfs.protocol import control
from envfs.protocol.keyholding import WriteLevel
from envfs.service.writer import LevelChange, Writer
from envfs.store.directory import DirectoryStore
from envfs.vault.high_water import Memory
from envfs.vault.vault import Vault
from tests.component.world import LATER, ME, World, memory, run, writer_of


@pytest.fixture
def other(world: World) -> Iterator[Writer]:
    """Give another process's way to the same vault: a vault and a writer of its own."""
    vault = Vault(DirectoryStore(Path(world.places.vault)), Memory(world.folder / "other.jsonl"))
    return writer_of(world, vault)


async def set_(writer: Writer, level: str, name: str, value: str) -> int:
    descriptor = memory(value.encode())
    try:
        return (await writer.write(ME, LevelChange(Operation.SET, level, name), (descriptor,))).version
    finally:
        os.close(descriptor)


async def value(world: World, level: str, name: str) -> bytes:
    await trio.sleep(LATER)
    return (await world.sent(control.ReadView(level, "value", "get", (name,)))).blob


class Losing:
    """A store where somebody else takes a number just before we do, `times` times."""

    def __init__(self, store: DirectoryStore, times: int, take: object) -> None:
        self._store, self.times, self._take = store, times, take

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put_new(self, key: str, data: bytes) -> bool:
        if key.startswith("level/shop/@") and self.times:
            self.times -= 1
            self._take(key)  # type: ignore[operator]
        return self._store.put_new(key, data)


def test_a_number_that_somebody_else_took_is_tried_again_on_their_text(world: World, other: Writer) -> None:
    async def main() -> None:
        await value(world, "/shop", "LOG")
        assert await set_(other, "/shop", "THEIRS", "1") == 2
        assert await set_(world.open_vault.writer, "/shop", "OURS", "2") == 3
        assert await value(world, "/shop", "THEIRS") == b"1"
        assert await value(world, "/shop", "OURS") == b"2"

    run(main)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_whoever_loses_the_race_applies_its_change_to_the_winners_text(world: World, other: Writer, times: int) -> None:
    # the winner's records are made before, and put in the way just when ours is stored
    async def prepare() -> list[tuple[str, bytes]]:
        made = []
        for turn in range(times):
            version = await set_(other, "/shop", f"THEIRS_{turn}", "1")
            path = Path(world.places.vault) / record.record_key("level/shop", version)
            made.append((record.record_key("level/shop", version), path.read_bytes()))
        for key, _ in made:
            (Path(world.places.vault) / key).unlink()
        return made

    waiting = run(prepare)
    store = world.service.store

    def take(key: str) -> None:
        wanted, data = waiting.pop(0)
        assert key == wanted
        assert store.put_new(wanted, data)

    async def main() -> None:
        losing = Losing(store, times, take)
        vault = Vault(losing, Memory(world.folder / "ours.jsonl"))  # type: ignore[arg-type]
        writer = writer_of(world, vault)
        assert await set_(writer, "/shop", "OURS", "2") == times + 2
        names = {name for name, _ in (await world.open_vault.views.get("/shop")).origins()}
        assert {"OURS", *(f"THEIRS_{turn}" for turn in range(times))} <= names

    run(main)


def test_who_always_loses_gives_up_and_says_so(world: World) -> None:
    class Taken(DirectoryStore):
        def put_new(self, key: str, data: bytes) -> bool:
            return False if key.startswith("level/shop/@") else super().put_new(key, data)

    async def main() -> None:
        vault = Vault(Taken(Path(world.places.vault)), Memory(world.folder / "ours.jsonl"))
        writer = writer_of(world, vault)
        with pytest.raises(Conflict):
            await set_(writer, "/shop", "OURS", "2")

    run(main)


def test_a_change_is_on_the_log_before_it_is_in_the_vault(world: World) -> None:
    Path(world.places.log).unlink()
    with pytest.raises(AuditUnavailable):
        run(lambda: set_(world.open_vault.writer, "/shop", "OURS", "2"))
    assert not (Path(world.places.vault) / "level/shop/@00000002.json").exists()


def test_a_version_is_never_older_than_the_one_before_whatever_the_clock_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envfs.host import clocks

    async def main() -> None:
        monkeypatch.setattr(clocks, "wall_time", lambda: "2001-01-01T00:00:00.000000Z")
        await set_(world.open_vault.writer, "/shop", "A", "1")
        await set_(world.open_vault.writer, "/new", "A", "1")
        first, second = (world.open_vault.vault.header("/shop", version).time for version in (1, 2))
        assert second == first > "2026"
        assert world.open_vault.vault.header("/new", 1).time.startswith("2001")

    run(main)


def test_two_who_make_a_project_at_once_use_one_key(made: World) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(set_, made.open_vault.writer, f"/shop/level-{number}", "A", str(number))
        for number in range(6):
            assert await value(made, f"/shop/level-{number}", "A") == str(number).encode()
        assert os.listdir(Path(made.places.vault) / "key/shop") == ["@00000001.age"]

    run(main)


def test_a_first_text_that_was_sealed_while_the_key_was_changed_is_sealed_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was taken away from the project has the old key, and must not read what is written from now on."""
    real = world.open_vault.writer._keyholder.ask
    turns = []

    async def ask(request: NamedTuple, *rest: tuple[object, ...]) -> object:
        if isinstance(request, WriteLevel) and request.place.stream == "level/shop/new" and not turns:
            turns.append(await world.ask(control.RotateKey("shop")))
        return await real(request, *rest)

    async def main() -> None:
        monkeypatch.setattr(world.open_vault.writer._keyholder, "ask", ask)
        assert await set_(world.open_vault.writer, "/shop/new", "A", "1") == 1
        rows = (await world.sent(control.ListKeys("shop"))).rows
        assert [row.levels for row in rows] == [3, 0]  # type: ignore[attr-defined]
        assert turns

    run(main)


def test_projects_have_keys_of_their_own(world: World) -> None:
    keys = {path.read_bytes() for path in (Path(world.places.vault) / "key").rglob("*.age")}
    assert len(keys) == 3
    kids = {record.parse_record(path.read_bytes()).header.kid for path in Path(world.places.vault).rglob("@*.json")}
    assert len(kids) == 3


def test_an_unset_name_of_an_ancestor_is_not_the_levels_own(world: World) -> None:
    async def main() -> None:
        with pytest.raises(NoSuchVariable):
            await world.open_vault.writer.write(ME, LevelChange(Operation.UNSET, "/shop/prod", "LOG"))

    run(main)


def test_the_later_of_two_who_change_one_variable_is_told(world: World) -> None:
    async def main() -> list[object]:
        replies: list[object] = []

        async def one(name: str, text: bytes) -> None:
            replies.append(await world.ask(control.SetVariable("/shop", name), secret=text))

        turn = world.open_vault.writer._turns.setdefault("/shop", trio.Lock())
        async with trio.open_nursery() as nursery, turn:  # so each has begun before the first one writes
            for name, text in (("LOG", b"1"), ("LOG", b"2"), ("OTHER", b"3")):
                nursery.start_soon(one, name, text)
            while turn.statistics().tasks_waiting < 3:  # noqa: ASYNC110 - a lock tells nobody who waits for it
                await trio.sleep(0.001)
        return replies

    notes = {reply.version: reply.notes for reply in run(main) if isinstance(reply, control.Written)}
    told = {version: texts for version, texts in notes.items() if any("another writer" in text for text in texts)}
    assert len(notes) == 3
    assert len(told) == 1
    ((version, texts),) = told.items()
    assert int(texts[0].partition("in version ")[2].partition(",")[0]) < version
    again = run(lambda: world.ask(control.SetVariable("/shop", "LOG"), secret=b"4"))
    assert isinstance(again, control.Written)
    assert again.notes == ()


def test_one_who_was_overtaken_by_another_process_is_told_as_well(world: World, other: Writer) -> None:
    async def main() -> tuple[tuple[str, int], ...]:
        descriptor = memory(b"mine")
        writer = world.open_vault.writer
        async with trio.open_nursery() as nursery:
            results = []

            async def mine() -> None:
                results.append(await writer.write(ME, LevelChange(Operation.SET, "/shop", "LOG"), (descriptor,)))

            async with writer._turns.setdefault("/shop", trio.Lock()):
                nursery.start_soon(mine)
                await trio.testing.wait_all_tasks_blocked()
                await set_(other, "/shop", "LOG", "theirs")
                await trio.sleep(LATER)
        os.close(descriptor)
        return results[0].overtaken

    assert run(main) == (("LOG", 2),)


def test_a_reader_waits_for_no_writer(world: World) -> None:
    async def main() -> None:
        turns = world.open_vault.writer._turns
        async with turns.setdefault("/shop", lock := trio.Lock()):
            assert lock is turns["/shop"]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(world.ask, control.SetVariable("/shop", "A"), ME, b"1")
                await trio.testing.wait_all_tasks_blocked()
                assert (await world.sent(control.ReadView("/shop", "value", "get", ("LOG",)))).blob == b"debug"
                lock.release()
                await trio.testing.wait_all_tasks_blocked()
                await lock.acquire()

    run(main)

"""Finished views: made once, whole for whoever holds them, wiped when nobody does."""

import mmap
import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio
import trio.testing

from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.operations import Operation
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.dotenv.document import parse_document
from envfs.errors import KeyholderGone, Locked, NoSuchLevel, RolledBack
from envfs.gate.views.ready_views import Views
from envfs.gate.views.view import View
from envfs.protocol import control
from envfs.service.writer import LevelChange
from envfs.store.directory import DirectoryStore
from envfs.vault.high_water import Memory
from envfs.vault.vault import Vault
from tests.component.world import LATER, LEVELS, ME, PROD, World, memory, run, writer_of

VALUES = {"REGION": "eu", "LOG": "debug", "DATABASE_URL": "postgres://prod:hunter3@db/prod", "PAGER": "on"}
ORIGINS = {"REGION": "/", "LOG": "/shop", "DATABASE_URL": "/shop/prod", "PAGER": "/shop/prod"}


def text(view: View) -> bytes:
    """Copy a view's dotenv text."""
    return bytes(view.look(view.part("dotenv")))


def environ(view: View) -> bytes:
    return bytes(view.look(view.part("environ")))


def value(view: View, name: str) -> bytes:
    """Copy one variable's value; nothing if there is none."""
    extent = view.value(name)
    return bytes(view.look(extent)) if extent else b""


def test_a_view_is_served_in_every_form(shared: World) -> None:
    async def main() -> None:
        view = await shared.open_vault.views.get("/shop/prod")
        assert text(view).decode() == PROD
        assert environ(view) == b"".join(f"{name}={value}\0".encode() for name, value in VALUES.items())
        assert {name: value(view, name).decode() for name in VALUES} == VALUES
        assert dict(view.origins()) == ORIGINS
        assert [name for name, _ in view.origins()] == list(VALUES)
        assert (view.level, view.version, view.variables) == ("/shop/prod", 1, 4)

    run(main)


@pytest.mark.parametrize("name", ["", "A", "EGION", "REGIO", "REGION=eu", "hunter3", "PAGER\0"])
def test_no_part_of_a_name_or_value_finds_a_variable(shared: World, name: str) -> None:
    async def main() -> bool:
        return (await shared.open_vault.views.get("/shop/prod")).value(name) is None

    assert run(main)


TRICKY = {
    "EMPTY": "",
    "LINES": "first\nsecond=2\n\nA=1\n",
    "LOOKS": "A=1",
    "QUOTES": "'\"`$(x) ${A} \\",
    "UNICODE": "ünï 🔑",
    "SPACE": "  ",
    "HASH": "# no comment",
    "CR": "a\r\nb\r",
    "LONG": "x" * 100_000,
    "A": "the real one",
}


def test_values_of_every_kind_come_out_as_they_went_in(made: World) -> None:
    async def main() -> None:
        for name, content in TRICKY.items():
            await made.ask(control.SetVariable("/shop", name), secret=content.encode())
        view = await made.open_vault.views.get("/shop")
        assert {name: value(view, name).decode() for name in TRICKY} == TRICKY
        entries = environ(view).decode().split("\0")[:-1]
        assert dict(entry.split("=", 1) for entry in entries) == TRICKY
        assert parse_document(text(view).decode()).variables() == TRICKY

    run(main)


def test_a_level_without_text_shows_its_ancestors_and_nothing_shows_nothing(made: World) -> None:
    async def main() -> None:
        empty = await made.open_vault.views.get("/")
        assert (text(empty), environ(empty), empty.origins(), empty.version) == (
            b"",
            b"",
            [],
            0,
        )
        await made.write("/shop/prod", "A=1\n")
        assert (await made.open_vault.views.get("/shop")).variables == 0
        await made.write("/", "B=2\n")
        view = await made.open_vault.views.get("/shop")
        assert (view.variables, view.version) == (1, 0)

    run(main)


# -- made once, and anew when something changed ------------------------------------------------------------------------


def test_a_ready_view_is_made_once(world: World) -> None:
    async def main() -> None:
        first = await world.open_vault.views.get("/shop")
        world.keyholder.asked.clear()
        assert await world.open_vault.views.get("/shop") is first
        assert world.open_vault.views.warm("/shop") is first
        assert world.keyholder.asked == []

    run(main)


@pytest.mark.parametrize(
    ("written", "cold"), [("/", {"/", "/shop", "/shop/prod"}), ("/shop", {"/shop", "/shop/prod"}), ("/blog", set())]
)
def test_a_change_makes_what_is_below_it_anew_and_nothing_else(world: World, written: str, cold: set[str]) -> None:
    async def main() -> None:
        levels = ("/", "/shop", "/shop/prod")
        for level in levels:
            await world.open_vault.views.get(level)
        await world.write(written, "NEW=1\n")
        assert {level for level in levels if world.open_vault.views.warm(level) is None} == cold
        for level in levels:
            view = await world.open_vault.views.get(level)
            assert (value(view, "NEW") == b"1") is (level in cold)

    run(main)


def test_a_view_that_was_read_is_made_anew_before_anybody_asks(world: World) -> None:
    async def main() -> None:
        views = world.open_vault.views
        for level in ("/shop", "/shop/prod", "/blog"):
            await views.get(level)
        await world.write("/shop", "NEW=1\n")
        world.keyholder.asked.clear()
        await views.renew(["/shop"])
        assert world.keyholder.asked == ["RenderView"] * 2
        for level in ("/shop", "/shop/prod"):
            view = views.warm(level)
            assert view is not None
            assert value(view, "NEW") == b"1"
        await views.renew(["/shop"])
        assert len(world.keyholder.asked) == 2

    run(main)


def test_a_daemon_that_tells_of_changes_makes_views_anew(world: World) -> None:
    async def main() -> None:
        await world.open_vault.views.get("/shop")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.open_vault.changes.run)
            await trio.testing.wait_all_tasks_blocked()
            await world.write("/shop", "NEW=1\n")
            with trio.fail_after(60):
                while (view := world.open_vault.views.warm("/shop")) is None:  # noqa: ASYNC110 - it looks from outside
                    await trio.sleep(0.01)
            assert value(view, "NEW") == b"1"
            nursery.cancel_scope.cancel()

    run(main)


def test_a_view_that_nobody_read_since_it_was_made_anew_waits_for_a_reader(world: World) -> None:
    async def main() -> None:
        views = world.open_vault.views
        await views.get("/shop")
        for number in (1, 2):
            await world.write("/shop", f"NEW={number}\n")
            await views.renew(["/shop"])
        assert views.warm("/shop") is None
        assert value(await views.get("/shop"), "NEW") == b"2"
        await world.write("/shop", "NEW=3\n")
        await views.renew(["/shop"])
        assert views.warm("/shop") is not None

    run(main)


def test_a_reader_waits_for_the_view_that_is_being_made_anew(world: World) -> None:
    async def main() -> None:
        views = world.open_vault.views
        await views.get("/shop")
        await world.write("/shop", "NEW=1\n")
        world.keyholder.asked.clear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(views.renew, ["/shop"])
            while not views._renewals:
                await trio.lowlevel.checkpoint()
            assert value(await views.get("/shop"), "NEW") == b"1"
        assert world.keyholder.asked == ["RenderView"]

    run(main)


def test_a_reader_does_not_wait_for_the_turn_of_what_makes_a_view_anew(world: World) -> None:
    async def main() -> None:
        views, full = world.open_vault.views, trio.Event()
        await views.get("/shop")
        await world.write("/shop", "NEW=1\n")

        @asynccontextmanager
        async def turn() -> AsyncIterator[None]:
            await full.wait()
            yield

        views._keyholder, real = SimpleNamespace(turn=turn), views._keyholder  # type: ignore[assignment]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(views.renew, ["/shop"])
            await trio.testing.wait_all_tasks_blocked()
            views._keyholder = real
            assert value(await views.get("/shop"), "NEW") == b"1"
            world.keyholder.asked.clear()
            full.set()
        assert world.keyholder.asked == []

    run(main)


def test_what_cannot_be_made_anew_is_said_to_the_next_reader_alone(
    world: World, locked_keyholder: KeyholderLink
) -> None:
    async def main() -> None:
        views = world.open_vault.views
        await views.get("/shop")
        await world.write("/shop", "NEW=1\n")
        views._keyholder = locked_keyholder
        await views.renew(["/shop"])
        with pytest.raises(Locked):
            await views.get("/shop")

    run(main)


def test_another_processs_change_is_noticed(world: World) -> None:
    async def main() -> None:
        await world.open_vault.views.get("/shop")
        vault = Vault(DirectoryStore(Path(world.places.vault)), Memory(world.folder / "other.jsonl"))
        writer = writer_of(world, vault)
        handle = memory(b"NEW=1\n")
        await writer.write(ME, LevelChange(Operation.REPLACE, "/shop"), (handle,))
        os.close(handle)
        await trio.sleep(LATER)
        assert world.open_vault.views.warm("/shop") is None
        assert value(await world.open_vault.views.get("/shop"), "NEW") == b"1"

    run(main)


def test_many_who_ask_at_once_all_get_the_view(world: World) -> None:
    async def main() -> None:
        got: list[bytes] = []

        async def ask() -> None:
            view = await world.open_vault.gate.admit(ME, AccessRequest("/shop/prod", Channel.MOUNT, Format.DOTENV))
            await trio.sleep(0.01)
            got.append(text(view))
            view.release()

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
        assert got == [PROD.encode()] * 20

    run(main)


def test_a_view_asked_for_while_its_level_changes_is_one_of_the_two_whole(world: World) -> None:
    async def main() -> None:
        texts: set[bytes] = set()
        done = trio.Event()

        async def read() -> None:
            while not done.is_set():
                view = await world.open_vault.gate.admit(ME, AccessRequest("/shop", Channel.MOUNT, Format.DOTENV))
                texts.add(text(view))
                view.release()
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(read)
            for turn in range(10):
                await world.write("/shop", f"A={turn}\nB={turn}\n")
            done.set()
        for found in texts:
            lines = dict(line.split("=", 1) for line in found.decode().splitlines())
            assert lines.get("A") == lines.get("B")

    run(main)


@pytest.mark.parametrize("size", [0, 1, 10, 4096])
@pytest.mark.parametrize("room", [0, 1, 10, 4096])
@pytest.mark.parametrize("start", [0, 5, len(PROD) - 1, len(PROD), 10**9])
def test_a_piece_is_read_into_the_room_there_is(shared: World, start: int, room: int, size: int) -> None:
    async def main() -> None:
        view = await shared.open_vault.views.get("/shop/prod")
        target = bytearray(b"?" * room)
        count = view.read_into(memoryview(target), view.part("dotenv"), start, size)
        expected = PROD.encode()[start : start + min(size, room)]
        assert bytes(target) == expected + b"?" * (room - len(expected))
        assert count == len(expected)

    run(main)


# -- held, released, locked --------------------------------------------------------------------------------------------


def test_a_held_view_outlives_the_change_and_is_wiped_with_its_last_holder(world: World) -> None:
    async def main() -> None:
        view = (await world.open_vault.views.get("/shop/prod")).hold()
        kept = os.dup(view._region.descriptor) if view._region.descriptor >= 0 else -1
        await world.write("/shop/prod", "A=1\n")
        await world.open_vault.views.get("/shop/prod")
        assert text(view).decode() == PROD
        view.release()
        if kept >= 0:
            with mmap.mmap(kept, view.part("dotenv").size) as left:
                assert left[:] == bytes(view.part("dotenv").size)
            os.close(kept)

    run(main)


def test_a_locked_view_says_so_to_whoever_holds_it(world: World) -> None:
    async def main() -> None:
        view = (await world.open_vault.views.get("/shop/prod")).hold()
        world.open_vault.views.lock()
        target = memoryview(bytearray(10))
        asked = (lambda: view.look(view.part("dotenv")), view.origins, lambda: view.value("LOG"), lambda: view.name(0))
        for ask in (*asked, lambda: view.read_into(target, view.part("dotenv"), 0, 10)):
            with pytest.raises(Locked):
                ask()
        view.release()
        assert world.open_vault.views.warm("/shop/prod") is None

    run(main)


def test_wiping_forgets_every_view_and_leaves_no_descriptor(world: World) -> None:
    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for level in LEVELS:
            await world.open_vault.views.get(level)
        await world.open_vault.views.get_past("/shop", 1)
        world.open_vault.views.wipe()
        assert len(os.listdir("/proc/self/fd")) <= before
        assert [world.open_vault.views.warm(level) for level in LEVELS] == [None] * len(LEVELS)

    run(main)


def test_a_keyholder_that_refuses_leaves_no_view_and_no_descriptor(
    world: World, locked_keyholder: KeyholderLink
) -> None:
    async def main() -> None:
        views = Views(world.open_vault.vault, locked_keyholder)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            with pytest.raises(Locked):
                await views.get("/shop")
            with pytest.raises(Locked):
                await views.get_past("/shop", 1)
        assert views.warm("/shop") is None
        assert len(os.listdir("/proc/self/fd")) <= before

    run(main)


def test_a_caller_that_leaves_while_a_view_is_made_leaves_no_descriptor(world: World) -> None:
    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for patience in (0, 0.001, 0.002, 0.004, 0.008, 0.016):
            world.open_vault.views.wipe()
            with trio.move_on_after(patience):
                await world.open_vault.views.get("/shop/prod")
        with trio.fail_after(60):
            while len(os.listdir("/proc/self/fd")) > before:  # of what was on its way
                world.open_vault.views.wipe()
                await trio.sleep(0.01)
        assert (await world.open_vault.views.get("/shop/prod")).variables == 4

    run(main)


def test_more_levels_than_descriptors_are_served(made: World) -> None:
    async def main() -> None:
        levels = [f"/shop/level-{number}" for number in range(60)]
        for level in levels:
            await made.write(level, "A=1\n")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 50, hard))
        try:
            for level in levels:
                view = await made.open_vault.gate.admit(ME, AccessRequest(level, Channel.MOUNT, Format.DOTENV))
                view.release()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    run(main)


# -- old versions ------------------------------------------------------------------------------------------------------


def test_an_old_view_is_made_of_what_there_was_then(world: World) -> None:
    async def main() -> None:
        await world.write("/shop", "A=2\n")
        await world.write("/", "B=2\n")
        await world.write("/shop", "A=3\n")
        views = world.open_vault.views
        for version, wanted in {1: "hunter2", 2: "REGION=eu\nLOG=info\nA=2\n", 3: "B=2\nA=3\n"}.items():
            view = await views.get_past("/shop", version)
            assert wanted in text(view).decode()
            assert view.version == version

    run(main)


@pytest.mark.parametrize("version", [-1, 2, 10**40])
def test_an_old_view_that_there_is_not_is_refused(world: World, version: int) -> None:
    async def main() -> None:
        with pytest.raises(NoSuchLevel):
            await world.open_vault.views.get_past("/shop", version)

    run(main)


def test_only_so_many_old_views_are_kept(made: World) -> None:
    async def main() -> None:
        for turn in range(1, 41):
            await made.write("/shop", f"A={turn}\n")
        before = len(os.listdir("/proc/self/fd"))
        for version in range(1, 41):
            view = await made.open_vault.views.get_past("/shop", version)
            assert value(view, "A") == str(version).encode()
        assert len(os.listdir("/proc/self/fd")) <= before + 2 * 16
        made.open_vault.views.wipe()
        assert len(os.listdir("/proc/self/fd")) <= before

    run(main)


def test_an_old_view_of_a_history_that_was_replaced_and_accepted_is_the_new_one(world: World) -> None:
    async def main() -> None:
        await world.write("/shop", "A=old\n")
        await world.write("/shop", "A=newest\n")
        assert value(await world.open_vault.views.get_past("/shop", 2), "A") == b"old"
        folder = Path(world.places.vault) / "level/shop"
        for name in ("@00000002.json", "@00000003.json"):
            (folder / name).unlink()
        await trio.sleep(0.08)
        with pytest.raises(RolledBack):
            await world.open_vault.views.get("/shop")
        world.open_vault.vault.accept("/shop")
        await world.write("/shop", "A=other\n")
        assert value(await world.open_vault.views.get_past("/shop", 2), "A") == b"other"

    run(main)


def test_a_keyholder_that_ended_is_said_so(world: World) -> None:
    async def main() -> None:
        link = KeyholderLink()
        link.close()
        views = Views(world.open_vault.vault, link)
        with pytest.raises(KeyholderGone):
            await views.get("/shop")

    run(main)

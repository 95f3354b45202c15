"""What the handlers of the mount give to read, and what the kernel holds of it."""

import os
import threading

import pyfuse3
import pytest
import trio

from envfs.fuse import touching
from envfs.fuse.operations import Operations
from envfs.fuse.touch_plan import Touch
from envfs.service.changes.comparison import EVERYTHING
from tests.component.world import LEVELS, PROD, Context, World, inode, looked_up, outcome, read_file, run

CTX = Context()


async def opened_text(operations: Operations, number: int) -> str:
    """Open and read an inode that was looked up before."""
    found = await operations.open(number, os.O_RDONLY, CTX)
    try:
        return bytes(await operations.read(found.fh, 0, 1 << 20)).decode()
    finally:
        await operations.release(found.fh)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("/", "REGION=eu\nLOG=info\n"),
        ("/shop", "REGION=eu\nLOG=debug\nDATABASE_URL=postgres://shop:hunter2@db/shop\n"),
        ("/shop/prod", PROD),
        ("/blog", "REGION=eu\nLOG=info\nTITLE='My blog'\n"),
    ],
)
def test_a_view_is_merged_from_the_top_down(shared: World, level: str, text: str) -> None:
    operations = shared.operations()
    assert run(lambda: read_file(operations, inode(operations, "dotenv", level))).decode() == text


@pytest.mark.parametrize(
    ("start", "size"), [(0, 1), (0, 4096), (5, 7), (len(PROD) - 1, 10), (len(PROD), 1), (10**9, 5)]
)
def test_any_piece_of_a_view_can_be_read(shared: World, start: int, size: int) -> None:
    async def main() -> bytes:
        operations = shared.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        found = await operations.open(number, os.O_RDONLY, CTX)
        piece = bytes(await operations.read(found.fh, start, size))
        await operations.release(found.fh)
        return piece

    assert run(main) == PROD.encode()[start : start + size]


def test_the_kernel_is_told_to_keep_nothing_of_a_view(shared: World) -> None:
    async def main() -> pyfuse3.FileInfo:
        operations = shared.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/"))
        found = await operations.open(number, os.O_RDONLY, CTX)
        await operations.release(found.fh)
        return found

    found = run(main)
    assert found.direct_io
    assert not found.keep_cache
    assert not found.nonseekable


def test_an_open_file_keeps_its_text_while_the_level_changes(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        found = await operations.open(number, os.O_RDONLY, CTX)
        first = bytes(await operations.read(found.fh, 0, 10))
        await world.write("/shop/prod", "A=" + "x" * 5000 + "\n")
        assert b"xxx" in await read_file(operations, number)
        rest = bytes(await operations.read(found.fh, 10, 4096))
        assert (first + rest).decode() == PROD
        assert (await operations.getattr(number, CTX)).st_size == len(PROD)
        assert (await operations.getattr(await looked_up(operations, number), CTX)).st_size > 5000
        await operations.release(found.fh)

    run(main)


def test_the_files_that_the_kernel_holds_the_longest_are_the_ones_to_forget(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        await world.open_vault.gate.views.get("/shop")
        forms = [inode(operations, kind, "/shop") for kind in ("dotenv", "json", "environ")]
        folder = inode(operations, "folder", "/shop")
        found = await operations.open(forms[0], os.O_RDONLY, CTX)
        held = len(operations.table)
        assert operations.held_files.beyond(held) == []
        # but for what is open
        assert operations.held_files.beyond(held - 1) == [(folder, b".env.json"), (folder, b".environ")]
        await operations.release(found.fh)
        assert operations.held_files.beyond(held - 1)[0] == (folder, b".env")

    run(main)


def test_a_page_is_filled_with_all_that_the_text_has_by_now(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        found = await operations.open(number, os.O_RDONLY, CTX)
        await world.write("/shop/prod", PROD + "ADDED=1\n")
        await world.open_vault.gate.views.get("/shop/prod")  # somebody else looked; nobody was told by this inode
        assert bytes(await operations.read(found.fh, 0, 1 << 20)).decode() == PROD
        assert bytes(await operations.read(found.fh, 0, 4096)).decode() == f"{PROD}ADDED=1\n"
        await world.write("/shop/prod", PROD + "ADDED=1\nMORE=1\n")
        assert (await operations.getattr(await looked_up(operations, number), CTX)).st_size > len(PROD) + 8
        assert (await operations.getattr(number, CTX)).st_size <= len(PROD) + 8  # pages went out: another inode has it
        await operations.release(found.fh)

    run(main)


def test_a_reader_gets_what_was_added_whatever_is_touched_between_its_look_up_and_its_open(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        folder = inode(operations, "folder", "/shop/prod")
        inode(operations, "folder", "/shop")
        touches = operations.touches({"/shop/prod": EVERYTHING})  # planned when the text was shorter
        await world.write("/shop/prod", PROD + "ADDED=1\n")
        assert (await operations.lookup(folder, b".env", CTX)).st_ino == number
        walked = [touch for touch in touches if touch.target == number]
        assert walked

        def walk(touch: Touch) -> None:
            thread = CTX._replace(pid=threading.get_native_id())
            for step in touch.steps:
                trio.from_thread.run(operations.lookup, step.folder, step.name.encode(), thread)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(touching, "_set_time", lambda *_: walk(walked[0]))
            await trio.to_thread.run_sync(operations.touching.touch, walked[0], -1)
        assert await opened_text(operations, number) == f"{PROD}ADDED=1\n"
        assert (await operations.getattr(number, CTX)).st_size == len(PROD) + 8

    run(main)


def test_a_file_opened_again_by_its_descriptor_has_what_was_added(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        await world.write("/shop/prod", PROD + "ADDED=1\n")
        assert await opened_text(operations, number) == f"{PROD}ADDED=1\n"  # no look-up came before

    run(main)


def test_what_the_kernel_is_told_while_a_view_is_made_is_not_taken_back_by_who_waited(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        other = await operations.open(number, os.O_RDONLY, CTX)
        await world.write("/shop/prod", PROD + "ADDED=1\n")
        sizes = []

        async def ask() -> None:
            sizes.append((await operations.getattr(number, CTX)).st_size)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
            nursery.start_soon(looked_up, operations, number)
        assert sizes == [len(PROD) + 8] * 3
        await operations.release(other.fh)

    run(main)


def test_old_versions_stay_readable_as_they_were(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        await world.write("/shop", "A=2\n")
        await world.write("/", "TOP=2\n")
        await world.write("/shop", "A=3\n")
        expected = {1: "LOG=debug", 2: "REGION=eu\nLOG=info\nA=2\n", 3: "TOP=2\nA=3\n"}
        for version, text in expected.items():
            number = (await operations.lookup(inode(operations, "past", "/shop", version), b".env", CTX)).st_ino
            assert text in (await read_file(operations, number)).decode()
        assert (await read_file(operations, inode(operations, "dotenv", "/shop"))).decode() == "TOP=2\nA=3\n"

    run(main)


def test_a_level_that_comes_to_be_is_found(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        assert await outcome(lambda: operations.lookup(1, b"new", CTX)) == "ENOENT"
        await world.write("/new/deep", "A=1\n")
        assert await outcome(lambda: operations.lookup(1, b"new", CTX)) == "ok"
        text = await read_file(operations, inode(operations, "dotenv", "/new/deep"))
        assert text.decode() == LEVELS["/"] + "A=1\n"

    run(main)


def test_released_handles_hold_nothing(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        numbers = [inode(operations, "dotenv", level) for level in LEVELS]
        before = len(os.listdir("/proc/self/fd"))
        for turn in range(20):
            for number in numbers:
                await read_file(operations, number)
            await operations.releasedir(await operations.opendir(1, CTX))
            await world.write("/", f"TURN={turn}\n")
        assert len(operations._handles) == 0
        await trio.sleep(1.1)  # those that were replaced are held for a moment
        world.open_vault.views.expire()
        assert (
            len(os.listdir("/proc/self/fd")) <= before + 2 * len(numbers) + 8
        )  # the ready views, the known caller, the loop

    run(main)


def test_locking_wipes_held_views_and_those_that_were_replaced_before(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        number = inode(operations, "dotenv", "/shop")
        held = await operations.open(await looked_up(operations, number), os.O_RDONLY, CTX)
        await world.write("/shop", "A=2\n")
        other = await operations.open(await looked_up(operations, number), os.O_RDONLY, CTX)
        await operations.release(other.fh)
        await world.write("/shop", "A=3\n")
        await looked_up(operations, number)
        world.open_vault.views.lock()
        assert await outcome(lambda: operations.read(held.fh, 0, 100)) == "ENOKEY"
        await operations.release(held.fh)
        world.open_vault.views.lock()
        world.open_vault.views.wipe()

    run(main)

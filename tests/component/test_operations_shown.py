"""What the handlers of the mount show: numbers, sizes, times, lists."""

import os
import stat
import time

import pyfuse3
import pytest

from envfs.fuse.operations import Operations
from tests.component.states import FILES, State
from tests.component.world import ME, PROD, Context, World, inode, looked_up, outcome, read_file, run

CTX = Context()


def test_a_file_is_as_long_as_its_text_and_as_old_as_its_newest_record(shared: World) -> None:
    async def main() -> None:
        operations = shared.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        found = await operations.getattr(number, CTX)
        assert found.st_size == len(PROD)
        assert abs(found.st_mtime_ns - time.time_ns()) < 600e9
        assert found.st_mtime_ns == found.st_ctime_ns
        assert (found.st_mode, found.st_uid, found.st_nlink) == (stat.S_IFREG | 0o400, ME.uid, 1)
        assert (found.st_blocks, found.st_blksize) == (1, 4096)
        assert found.entry_timeout == 0

    run(main)


@pytest.mark.parametrize(("for_all", "mode"), [(False, 0o500), (True, 0o551)])
def test_a_folder_is_one(shared: World, for_all: bool, mode: int) -> None:
    async def main() -> None:
        operations = shared.operations(for_all=for_all)
        for number in (1, inode(operations, "history", "/shop"), inode(operations, "past", "/shop", 1)):
            found = await operations.getattr(number, CTX)
            assert found.st_mode == stat.S_IFDIR | mode
            assert abs(found.st_mtime_ns - time.time_ns()) < 600e9
            assert found.entry_timeout == 0

    run(main)


@pytest.mark.parametrize("for_all", [False, True])
def test_the_mount_point_tells_the_time_of_its_level_to_nobody_but_a_user_alone(world: World, for_all: bool) -> None:
    async def main() -> bool:
        operations = world.operations(for_all=for_all)
        before = (await operations.getattr(1, CTX)).st_mtime_ns
        await world.write("/", "REGION=us\n")
        return before == (await operations.getattr(1, CTX)).st_mtime_ns

    assert run(main) == for_all


@pytest.mark.parametrize("pid", [0, -1])
def test_a_caller_without_a_number_is_not_told_of_the_mount_point(shared: World, pid: int) -> None:
    async def main() -> list[str]:
        operations, ctx = shared.operations(for_all=True), CTX._replace(pid=pid)
        asked = (operations.getattr(1, ctx), operations.statfs(ctx), operations.opendir(1, ctx))  # type: ignore[arg-type]
        return [await outcome(lambda: question) for question in asked]  # noqa: B023

    assert run(main) == ["EACCES"] * 3


def test_the_same_thing_has_the_same_number_and_other_things_have_others(shared: World) -> None:
    async def main() -> None:
        operations = shared.operations()
        numbers = {}
        for name in (b"shop", b"blog", b".env", b".history"):
            first, again = [(await operations.lookup(1, name, CTX)).st_ino for _ in range(2)]
            assert first == again
            numbers[name] = first
        assert len({1, *numbers.values()}) == 5

    run(main)


def test_what_is_not_there_is_given_no_number_however_often_it_is_asked_for(shared: World) -> None:
    async def main() -> None:
        operations = shared.operations()
        folder = inode(operations, "variables", "/shop")
        numbers = len(list(operations.table))
        for number in range(100):
            assert await outcome(lambda: operations.lookup(folder, f"NO_{number}".encode(), CTX)) == "ENOENT"  # noqa: B023
        assert len(list(operations.table)) == numbers

    run(main)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Collect what readdir replies: name, size, next."""
    rows: list[tuple[str, int, int]] = []

    def reply(token: list[int], name: bytes, attributes: pyfuse3.EntryAttributes, after: int) -> bool:
        if not token:
            return False
        token.pop()
        rows.append((name.decode(), attributes.st_size, after))
        return True

    monkeypatch.setattr(pyfuse3, "readdir_reply", reply)
    return rows


async def listing(operations: Operations, number: int, room: int = 100) -> None:
    """List a folder as the kernel does, `room` entries at a time."""
    handle = await operations.opendir(number, CTX)
    start = 0
    for _ in range(100):
        await operations.readdir(handle, start, [0] * room)
        start += room
    await operations.releasedir(handle)


@pytest.mark.parametrize("room", [1, 2, 100])
@pytest.mark.parametrize(
    ("state", "folder", "names"),
    [
        ("approved", ("folder", "/"), [*FILES, ".history", "blog", "shop"]),
        ("approved", ("folder", "/shop"), [*FILES, ".history", "prod"]),
        ("approved", ("folder", "/shop/prod"), [*FILES, ".history"]),
        ("approved", ("history", "/shop"), ["1"]),
        ("approved", ("past", "/shop", 1), [*FILES]),
        ("approved", ("variables", "/shop"), ["DATABASE_URL", "LOG", "REGION"]),
        ("approved", ("variables", "/shop", 1), ["DATABASE_URL", "LOG", "REGION"]),
        ("partly", ("folder", "/"), ["shop"]),
        ("partly", ("folder", "/shop"), ["prod"]),
        ("partly", ("folder", "/shop/prod"), [*FILES, ".history"]),
        ("locked", ("folder", "/"), [*FILES, ".history", "blog", "shop"]),
        ("log broken", ("folder", "/"), [*FILES, ".history", "blog", "shop"]),
    ],
)
def test_a_folder_lists_what_its_reader_may_see(
    states: dict[str, State],
    listed: list[tuple[str, int, int]],
    state: str,
    folder: tuple[str, str] | tuple[str, str, int],
    names: list[str],
    room: int,
) -> None:
    operations = states[state].operations
    run(lambda: listing(operations, inode(operations, *folder), room))
    assert [name for name, _, _ in listed] == names
    assert [after for _, _, after in listed] == list(range(1, len(names) + 1))


def test_a_view_that_is_ready_is_listed_with_its_size(shared: World, listed: list[tuple[str, int, int]]) -> None:
    async def main() -> None:
        operations = shared.operations()
        await read_file(operations, inode(operations, "dotenv", "/shop/prod"))
        await listing(operations, inode(operations, "folder", "/shop/prod"))

    run(main)
    assert listed[0] == (".env", len(PROD), 1)


def test_a_folder_that_outlived_its_grant_lists_nothing(world: World, listed: list[tuple[str, int, int]]) -> None:
    async def main() -> None:
        operations = world.operations()
        await read_file(operations, inode(operations, "dotenv", "/shop/prod"))
        handle = await operations.opendir(inode(operations, "folder", "/shop/prod"), CTX)
        await operations.readdir(handle, 0, [0] * len(FILES))
        world.allow()
        assert await outcome(lambda: operations.readdir(handle, 0, [0] * len(FILES))) == "EACCES"
        await operations.releasedir(handle)

    run(main)
    assert [size > 0 for _, size, _ in listed] == [name != ".vars" for name in FILES]


def test_reading_a_folder_as_a_file_and_a_file_as_a_folder_is_refused(shared: World) -> None:
    async def main() -> None:
        operations = shared.operations()
        handle = await operations.opendir(1, CTX)
        assert await outcome(lambda: operations.read(handle, 0, 10)) == "EISDIR"
        number = await looked_up(operations, inode(operations, "dotenv", "/"))
        found = await operations.open(number, os.O_RDONLY, CTX)
        assert await outcome(lambda: operations.readdir(found.fh, 0, [])) == "ENOTDIR"
        await operations.release(found.fh)
        await operations.releasedir(handle)

    run(main)

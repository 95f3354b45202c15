"""One path shows true values to one process and placeholders to another of the same uid, at the same moment."""

import errno
import json
import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import trio
from pyfuse3 import FUSEError

from envfs.core.access.face import Face
from envfs.dotenv.placeholders.masking import FIRST_LINE
from envfs.fuse import nodes
from envfs.fuse.operations import Operations
from tests.component.faces import ByProcess, processes, rules_by_process
from tests.component.test_warm_path import at_once
from tests.component.world import PROD, Context, World, outcome, run

MASKED = Face(masked=True)
VALUES = (b"hunter2", b"hunter3", b"debug", b"eu")
FILES = (
    ".env",
    ".env.json",
    ".environ",
    ".vars/DATABASE_URL",
    ".vars/PAGER",
    ".history/1/.env",
    ".history/1/.vars/LOG",
)


class Both(NamedTuple):
    """A mount, its rules, an approved process, one that gets placeholders, and one that gets nothing."""

    world: World
    operations: Operations
    rules: ByProcess
    approved: Context
    masked: Context
    stranger: Context


@pytest.fixture(scope="module")
def programs() -> Iterator[list[Context]]:
    with processes(3) as contexts:
        yield contexts


@pytest.fixture
def both(world: World, programs: list[Context]) -> Both:
    rules = rules_by_process(world)
    rules.show(programs[0])
    rules.show(programs[1], MASKED)
    return Both(world, world.operations(), rules, *programs)


async def walk(operations: Operations, path: str, ctx: Context) -> int:
    """Look every step of a path up, as the kernel does; return the inode."""
    number = 1
    for name in path.split("/"):
        number = (await operations.lookup(number, name.encode(), ctx)).st_ino  # type: ignore[arg-type]
    return number


async def read(operations: Operations, path: str, ctx: Context) -> bytes:
    """Read a file by its path, and hold it to the size that `stat` tells."""
    number = await walk(operations, path, ctx)
    size = (await operations.getattr(number, ctx)).st_size  # type: ignore[arg-type]
    handle = (await operations.open(number, os.O_RDONLY, ctx)).fh  # type: ignore[arg-type]
    data = bytes(await operations.read(handle, 0, 1 << 16))
    await operations.release(handle)
    assert size == len(data)
    return data


async def listed(operations: Operations, path: str, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def reply(_token: object, name: bytes, _entry: object, _next: int) -> bool:
        names.append(name.decode())
        return True

    monkeypatch.setattr("pyfuse3.readdir_reply", reply)
    handle = await operations.opendir(await walk(operations, path, ctx), ctx)  # type: ignore[arg-type]
    await operations.readdir(handle, 0, [])  # type: ignore[arg-type]
    await operations.releasedir(handle)
    return names


def test_each_process_reads_its_own_face_whatever_the_others_do(both: Both) -> None:
    async def main() -> None:
        async with trio.open_nursery() as tasks:
            for number in range(60):
                tasks.start_soon(one, number)

    async def one(number: int) -> None:
        ctx = (both.approved, both.masked, both.stranger)[number % 3]
        if ctx is both.stranger:
            with pytest.raises(FUSEError) as raised:
                await read(both.operations, "shop/prod/.env", ctx)
            assert raised.value.errno == errno.EACCES
            return
        texts.setdefault(ctx.pid, set()).add(await read(both.operations, "shop/prod/.env", ctx))

    texts: dict[int, set[bytes]] = {}
    run(main)
    assert texts[both.approved.pid] == {PROD.encode()}
    (masked,) = texts[both.masked.pid]
    assert masked.decode().startswith(FIRST_LINE)
    assert [line.split("=")[0] for line in masked.decode().splitlines()[1:]] == [
        "REGION",
        "LOG",
        "DATABASE_URL",
        "PAGER",
    ]
    assert b"@db" in masked


def test_every_file_of_a_level_is_masked(both: Both) -> None:
    async def main() -> None:
        for name in FILES:
            path, inodes, texts = f"shop/prod/{name}", set(), []
            for ctx in (both.approved, both.masked):
                inodes.add(await walk(both.operations, path, ctx))
                texts.append(await read(both.operations, path, ctx))
            assert texts[0] != texts[1]
            assert len(inodes) == 2
            assert not any(value in texts[1] for value in VALUES if len(value) > 4)  # two letters come by chance

    run(main)


def test_the_forms_of_a_masked_level_agree_and_the_names_are_told(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        level, ctx = "shop/prod", both.masked
        values = json.loads(await read(both.operations, f"{level}/.env.json", ctx))
        environ = (await read(both.operations, f"{level}/.environ", ctx)).decode()
        assert dict(entry.split("=", 1) for entry in environ.split("\0")[:-1]) == values
        for name, value in values.items():
            assert (await read(both.operations, f"{level}/.vars/{name}", ctx)).decode() == value
        assert await listed(both.operations, f"{level}/.vars", ctx, monkeypatch) == sorted(values)
        assert await listed(both.operations, level, ctx, monkeypatch) == [*nodes.FILES, ".vars", ".history"]
        assert await listed(both.operations, f"{level}/.history", ctx, monkeypatch) == ["1"]
        example = [await read(both.operations, f"{level}/.env.example", by) for by in (ctx, both.approved)]
        assert example[0] == example[1]

    run(main)


def test_an_inode_of_another_face_is_not_opened(both: Both) -> None:
    async def opened(name: str, reader: Context, other: Context) -> str:
        number = await walk(both.operations, f"shop/prod/{name}", reader)
        return await outcome(lambda: both.operations.open(number, os.O_RDONLY, other))  # type: ignore[arg-type]

    for name in FILES:
        assert run(lambda: opened(name, both.approved, both.masked)) == "ESTALE"  # noqa: B023
        assert run(lambda: opened(name, both.masked, both.approved)) == "ESTALE"  # noqa: B023


def test_a_handle_ends_when_its_reader_gets_another_face(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        operations, ctx = both.operations, both.approved
        number = await walk(operations, "shop/prod/.env", ctx)
        handle = (await operations.open(number, os.O_RDONLY, ctx)).fh  # type: ignore[arg-type]
        folder = await operations.opendir(await walk(operations, "shop/prod/.vars", ctx), ctx)  # type: ignore[arg-type]
        assert number not in operations.held_files.withdrawn()
        both.rules.show(ctx, MASKED)
        assert number in operations.held_files.withdrawn()
        assert await outcome(lambda: operations.read(handle, 0, 10)) == "EACCES"
        assert await outcome(lambda: operations.readdir(folder, 0, [])) == "EACCES"  # type: ignore[arg-type]
        assert (await read(operations, "shop/prod/.env", ctx)).decode().startswith(FIRST_LINE)
        both.rules.show(ctx)
        assert bytes(await operations.read(handle, 0, 6)) == b"REGION"
        both.rules.show(ctx, Face(only=("A",)))
        assert await outcome(lambda: operations.read(handle, 0, 10)) == "EACCES"

    run(main)


def test_a_listing_tells_no_size_of_another_face(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[tuple[str, int]]:
        sizes: list[tuple[str, int]] = []

        def reply(_token: object, name: bytes, entry: object, _next: int) -> bool:
            sizes.append((name.decode(), entry.st_size))  # type: ignore[attr-defined]
            return True

        monkeypatch.setattr("pyfuse3.readdir_reply", reply)
        operations, ctx = both.operations, both.approved
        await read(operations, "shop/prod/.env", ctx)
        await read(operations, "shop/prod/.env", both.masked)
        handle = await operations.opendir(await walk(operations, "shop/prod", ctx), ctx)  # type: ignore[arg-type]
        both.rules.show(ctx, MASKED)
        await operations.readdir(handle, 0, [])  # type: ignore[arg-type]
        return sizes

    assert run(main) == []


def test_a_descriptor_that_is_passed_on_reads_what_its_opener_got(both: Both) -> None:
    async def main() -> None:
        operations = both.operations
        number = await walk(operations, "shop/prod/.env", both.approved)
        handle = (await operations.open(number, os.O_RDONLY, both.approved)).fh  # type: ignore[arg-type]
        assert (await operations.getattr(number, both.masked)).st_size == len(PROD)  # type: ignore[arg-type]
        assert bytes(await operations.read(handle, 0, 1 << 16)) == PROD.encode()
        assert await outcome(lambda: operations.getattr(number, both.stranger)) == "EACCES"  # type: ignore[arg-type]

    run(main)


@pytest.mark.parametrize("masked", [False, True])
def test_a_face_of_some_names_has_no_other_name(both: Both, monkeypatch: pytest.MonkeyPatch, masked: bool) -> None:
    async def main() -> None:
        operations, ctx, level = both.operations, both.approved, "shop/prod"
        both.rules.show(ctx, Face(masked=masked, only=("LOG", "PAG*")))
        assert await listed(operations, f"{level}/.vars", ctx, monkeypatch) == ["LOG", "PAGER"]
        assert await read(operations, f"{level}/.env.example", ctx) == b"LOG=\nPAGER=\n"
        for name in (".env", ".env.json", ".environ", ".history/1/.env"):
            text = await read(operations, f"{level}/{name}", ctx)
            assert b"LOG" in text
            assert b"DATABASE_URL" not in text
        for path in (f"{level}/.vars/REGION", f"{level}/.history/1/.vars/REGION"):
            assert await outcome(lambda: walk(operations, path, ctx)) == "ENOENT"  # noqa: B023
        assert (await read(operations, f"{level}/.vars/LOG", ctx) == b"debug") is not masked

    run(main)


def test_a_masked_read_that_is_ready_waits_for_nothing(both: Both) -> None:
    run(lambda: read(both.operations, "shop/prod/.env", both.masked))
    both.world.keyholder.asked.clear()
    assert FIRST_LINE.encode() in at_once(read(both.operations, "shop/prod/.env", both.masked))
    assert both.world.keyholder.asked == []


def test_the_log_tells_a_masked_read_from_a_true_one(both: Both) -> None:
    before = len(both.world.entries())
    for ctx in (both.approved, both.masked):
        run(lambda: read(both.operations, "shop/prod/.env", ctx))  # noqa: B023
    decisions = [entry["decision"] for entry in both.world.entries()[before:] if entry["event"] == "read"]
    assert decisions == ["allow", "mask"]


def test_the_daemon_holds_no_value_for_a_reader_of_placeholders(both: Both) -> None:
    for name in (*FILES, ".env.example"):
        run(lambda: read(both.operations, f"shop/prod/{name}", both.masked))  # noqa: B023
    views = both.world.open_vault.gate.views
    regions = [bytes(view._region.map) for view in (*views._ready.values(), *views._past.values())]
    assert regions
    assert not any(value in region for value in VALUES[:2] for region in regions)


def test_a_face_that_changed_while_a_view_was_made_is_told_nothing_of_it(both: Both) -> None:
    async def main() -> str:
        ctx, views = both.approved, both.world.open_vault.gate.views
        level = await walk(both.operations, "shop/prod", ctx)
        make = views.get

        async def slow(*arguments: object) -> object:
            both.rules.show(ctx, MASKED)
            return await make(*arguments)  # type: ignore[arg-type]

        views.get = slow  # type: ignore[method-assign,assignment]
        return await outcome(lambda: both.operations.lookup(level, b".env", ctx))  # type: ignore[arg-type]

    assert run(main) == "ESTALE"


def test_a_name_that_is_held_tells_no_size_of_another_face(both: Both) -> None:
    async def main() -> None:
        operations, ctx, world = both.operations, both.approved, both.world
        numbers = {name: await walk(operations, f"shop/prod/{name}", ctx) for name in FILES}
        both.rules.show(ctx, MASKED)
        for number in numbers.values():
            assert await outcome(lambda: operations.getattr(number, ctx)) == "ESTALE"  # type: ignore[arg-type]  # noqa: B023
        await world.write("/shop/prod", "MORE=longer\n", "merge")
        assert await outcome(lambda: operations.getattr(numbers[".env"], ctx)) == "ESTALE"  # type: ignore[arg-type]
        both.rules.show(ctx)
        size = (await operations.getattr(numbers[".env"], ctx)).st_size  # type: ignore[arg-type]
        assert size == len(PROD) + len("MORE=longer\n")

    run(main)

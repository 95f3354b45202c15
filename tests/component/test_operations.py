"""The handlers of the mount, called as pyfuse3 calls them: each in each state, and every surprise an errno."""

import errno
import os
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyfuse3
import pytest
import trio
from pyfuse3 import FUSEError

from envfs.daemon.keyholder_link import KeyholderLink
from envfs.fuse.operations import Operations
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.refusals import Refusals
from envfs.service.service import OpenVault
from envfs.settings import SettingsFile
from tests.component.world import LATER, LEVELS, ME, PROD, Context, World, inode, looked_up, outcome, read_file, run

CTX = Context()
STATES = ("approved", "unapproved", "partly", "locked", "log broken")
GRANTS = {"approved": "/", "unapproved": "", "partly": "/shop/prod", "locked": "/", "log broken": "/"}


class State(NamedTuple):
    """One way in which a mount can be: its handlers, and its access log."""

    operations: Operations
    log: Path


@pytest.fixture(scope="module")
def states(
    shared: World, locked_keyholder: KeyholderLink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, State]]:
    """Give the same vault in five states; `partly` is approved for /shop/prod alone."""
    found: dict[str, State] = {}
    logs, houses = [], []
    for name in STATES:
        folder = tmp_path_factory.mktemp("state")
        level = GRANTS[name]
        settings = folder / "envfs.toml"
        settings.write_text(f'[[grant]]\nlevel = "{level}"\nuid = {ME.uid}\n' if level else "")
        settings.chmod(0o600)
        log = AccessLog(folder / "access.jsonl")
        logs.append(log)
        keyholder = locked_keyholder if name == "locked" else shared.service.keyholder
        refusals = Refusals(lambda log=log: log)
        open_vault = OpenVault(shared.open_vault.vault, SettingsFile(settings), log, refusals, keyholder)
        houses.append(open_vault)
        found[name] = State(shared.operations(open_vault), log.path)
        if name != "locked":
            run(lambda open_vault=open_vault: _make_ready(open_vault))
        if name == "log broken":
            log.path.unlink()
    yield found
    for open_vault in houses:
        open_vault.views.wipe()
    for log in logs:
        log.close()


async def _make_ready(open_vault: OpenVault) -> None:
    for level in LEVELS:
        await open_vault.views.get(level)
    await open_vault.views.get_past("/shop", 1)


# -- every handler in every state --------------------------------------------------------------------------------------

Asked = Callable[[Operations], Awaitable[object]]


def at(kind: str, level: str, version: int = 0, name: str = "") -> Callable[[Operations], int]:
    return lambda operations: inode(operations, kind, level, version, name)


ROOT, SHOP, PRODUCTION, BLOG = (at("folder", level) for level in ("/", "/shop", "/shop/prod", "/blog"))
SHOP_VIEW, PROD_VIEW, OLD_VIEW = at("dotenv", "/shop"), at("dotenv", "/shop/prod"), at("dotenv", "/shop", 1)
HISTORY, PAST = at("history", "/shop"), at("past", "/shop", 1)
VARIABLES, JSON, EXAMPLE = at("variables", "/shop"), at("json", "/shop"), at("example", "/shop")
ENVIRON, LOG, GONE = at("environ", "/shop"), at("value", "/shop", 0, "LOG"), at("value", "/shop", 0, "GONE")
FILES = (".env", ".env.example", ".env.json", ".environ", ".vars")
OK, NO, MISSING, LOCKED, BROKEN, READ_ONLY, STALE = "ok", "EACCES", "ENOENT", "ENOKEY", "EIO", "EROFS", "ESTALE"

# what is asked: the outcome when approved, unapproved, partly approved, locked, and with a broken log
MATRIX: dict[str, tuple[Asked, tuple[str, str, str, str, str]]] = {
    "lookup of a level": (lambda o: o.lookup(ROOT(o), b"shop", CTX), (OK, NO, OK, OK, OK)),
    "lookup of another level": (lambda o: o.lookup(ROOT(o), b"blog", CTX), (OK, NO, NO, OK, OK)),
    "lookup of no level": (lambda o: o.lookup(ROOT(o), b"nope", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "lookup of no name": (lambda o: o.lookup(ROOT(o), b"..", CTX), (MISSING, NO, MISSING, MISSING, MISSING)),
    "lookup of no utf-8": (lambda o: o.lookup(ROOT(o), b"\xff", CTX), (MISSING, NO, MISSING, MISSING, MISSING)),
    "lookup of a long name": (lambda o: o.lookup(ROOT(o), b"a" * 255, CTX), (MISSING, NO, MISSING, MISSING, MISSING)),
    "lookup of a view": (lambda o: o.lookup(SHOP(o), b".env", CTX), (OK, NO, NO, LOCKED, OK)),
    "lookup of the approved view": (lambda o: o.lookup(PRODUCTION(o), b".env", CTX), (OK, NO, OK, LOCKED, OK)),
    "lookup of JSON": (lambda o: o.lookup(SHOP(o), b".env.json", CTX), (OK, NO, NO, LOCKED, OK)),
    "lookup of an old example": (lambda o: o.lookup(PAST(o), b".env.example", CTX), (OK, NO, NO, LOCKED, OK)),
    "lookup of the variables": (lambda o: o.lookup(SHOP(o), b".vars", CTX), (OK, NO, NO, OK, OK)),
    "lookup of a variable": (lambda o: o.lookup(VARIABLES(o), b"LOG", CTX), (OK, NO, NO, LOCKED, OK)),
    "lookup of no variable": (lambda o: o.lookup(VARIABLES(o), b"GONE", CTX), (MISSING, NO, NO, LOCKED, MISSING)),
    "lookup of no name of one": (lambda o: o.lookup(VARIABLES(o), b"a-b", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "lookup of a history": (lambda o: o.lookup(SHOP(o), b".history", CTX), (OK, NO, NO, OK, OK)),
    "lookup of a version": (lambda o: o.lookup(HISTORY(o), b"1", CTX), (OK, NO, NO, OK, OK)),
    "lookup of no version": (lambda o: o.lookup(HISTORY(o), b"99", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "lookup of version 0": (lambda o: o.lookup(HISTORY(o), b"0", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "lookup of version 01": (lambda o: o.lookup(HISTORY(o), b"01", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "lookup of version -1": (lambda o: o.lookup(HISTORY(o), b"-1", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "lookup of a huge version": (
        lambda o: o.lookup(HISTORY(o), b"9" * 200, CTX),
        (MISSING, NO, NO, MISSING, MISSING),
    ),
    "lookup of an old view": (lambda o: o.lookup(PAST(o), b".env", CTX), (OK, NO, NO, LOCKED, OK)),
    "lookup beside an old view": (lambda o: o.lookup(PAST(o), b".history", CTX), (MISSING, NO, NO, MISSING, MISSING)),
    "getattr of the root": (lambda o: o.getattr(ROOT(o), CTX), (OK, OK, OK, OK, OK)),
    "getattr of a level": (lambda o: o.getattr(SHOP(o), CTX), (OK, NO, OK, OK, OK)),
    "getattr of another level": (lambda o: o.getattr(BLOG(o), CTX), (OK, NO, NO, OK, OK)),
    "getattr of a view": (lambda o: o.getattr(SHOP_VIEW(o), CTX), (OK, NO, NO, LOCKED, OK)),
    "getattr of an old view": (lambda o: o.getattr(OLD_VIEW(o), CTX), (OK, NO, NO, LOCKED, OK)),
    "getattr of a variable": (lambda o: o.getattr(LOG(o), CTX), (OK, NO, NO, LOCKED, OK)),
    "getattr of a variable that is gone": (lambda o: o.getattr(GONE(o), CTX), (STALE, NO, NO, LOCKED, STALE)),
    "getattr of nothing": (lambda o: o.getattr(99_999, CTX), (BROKEN,) * 5),
    "access to read": (lambda o: o.access(SHOP_VIEW(o), os.R_OK, CTX), (OK, NO, NO, OK, OK)),
    "access to write": (lambda o: o.access(SHOP_VIEW(o), os.W_OK, CTX), (READ_ONLY,) * 5),
    "opendir of the root": (lambda o: o.opendir(ROOT(o), CTX), (OK, NO, OK, OK, OK)),
    "opendir of a level": (lambda o: o.opendir(SHOP(o), CTX), (OK, NO, OK, OK, OK)),
    "opendir of another level": (lambda o: o.opendir(BLOG(o), CTX), (OK, NO, NO, OK, OK)),
    "opendir of a history": (lambda o: o.opendir(HISTORY(o), CTX), (OK, NO, NO, OK, OK)),
    "opendir of the variables": (lambda o: o.opendir(VARIABLES(o), CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "opendir of a version": (lambda o: o.opendir(PAST(o), CTX), (OK, NO, NO, OK, OK)),
    "open": (lambda o: o.open(SHOP_VIEW(o), os.O_RDONLY, CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "open of the approved view": (lambda o: o.open(PROD_VIEW(o), os.O_RDONLY, CTX), (OK, NO, OK, LOCKED, BROKEN)),
    "open of an old view": (lambda o: o.open(OLD_VIEW(o), os.O_RDONLY, CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "open of JSON": (lambda o: o.open(JSON(o), os.O_RDONLY, CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "open of an example": (lambda o: o.open(EXAMPLE(o), os.O_RDONLY, CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "open of environ": (lambda o: o.open(ENVIRON(o), os.O_RDONLY, CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "open of a variable": (lambda o: o.open(LOG(o), os.O_RDONLY, CTX), (OK, NO, NO, LOCKED, BROKEN)),
    "open of a variable that is gone": (lambda o: o.open(GONE(o), os.O_RDONLY, CTX), (STALE, NO, NO, LOCKED, STALE)),
    "open of a folder": (lambda o: o.open(SHOP(o), os.O_RDONLY, CTX), ("EISDIR",) * 5),
    "open of nothing": (lambda o: o.open(99_999, os.O_RDONLY, CTX), (BROKEN,) * 5),
    "open to write": (lambda o: o.open(SHOP_VIEW(o), os.O_WRONLY, CTX), (READ_ONLY,) * 5),
    "open to read and write": (lambda o: o.open(SHOP_VIEW(o), os.O_RDWR, CTX), (READ_ONLY,) * 5),
    "open to truncate": (lambda o: o.open(SHOP_VIEW(o), os.O_RDONLY | os.O_TRUNC, CTX), (READ_ONLY,) * 5),
    "open to append": (lambda o: o.open(SHOP_VIEW(o), os.O_RDONLY | os.O_APPEND, CTX), (READ_ONLY,) * 5),
    "read of nothing": (lambda o: o.read(99_999, 0, 10), (BROKEN,) * 5),
    "readdir of nothing": (lambda o: o.readdir(99_999, 0, None), (BROKEN,) * 5),
    "release of nothing": (lambda o: o.release(99_999), (OK,) * 5),
    "releasedir of nothing": (lambda o: o.releasedir(99_999), (OK,) * 5),
    "statfs": (lambda o: o.statfs(CTX), (OK,) * 5),
    "poll": (lambda o: o.poll(SHOP_VIEW(o), 1, None, CTX), (OK,) * 5),
    "forget": (lambda o: o.forget([(SHOP(o), 1)]), (OK,) * 5),
    "getxattr": (lambda o: o.getxattr(SHOP(o), b"user.x", CTX), ("ENOSYS",) * 5),
    "listxattr": (lambda o: o.listxattr(SHOP(o), CTX), ("ENOSYS",) * 5),
    "readlink": (lambda o: o.readlink(SHOP(o), CTX), ("EINVAL",) * 5),
    "fsync": (lambda o: o.fsync(1, datasync=True), (OK,) * 5),
    "fsyncdir": (lambda o: o.fsyncdir(1, datasync=True), (OK,) * 5),
    "flush": (lambda o: o.flush(1), ("ENOSYS",) * 5),
    "create": (lambda o: o.create(ROOT(o), b"x", 0o600, os.O_WRONLY, CTX), (READ_ONLY,) * 5),
    "mkdir": (lambda o: o.mkdir(ROOT(o), b"x", 0o700, CTX), (READ_ONLY,) * 5),
    "mknod": (lambda o: o.mknod(ROOT(o), b"x", 0o600, 0, CTX), (READ_ONLY,) * 5),
    "symlink": (lambda o: o.symlink(ROOT(o), b"x", b"y", CTX), (READ_ONLY,) * 5),
    "link": (lambda o: o.link(SHOP_VIEW(o), ROOT(o), b"x", CTX), (READ_ONLY,) * 5),
    "unlink": (lambda o: o.unlink(SHOP(o), b".env", CTX), (READ_ONLY,) * 5),
    "rmdir": (lambda o: o.rmdir(ROOT(o), b"shop", CTX), (READ_ONLY,) * 5),
    "rename": (lambda o: o.rename(ROOT(o), b"shop", ROOT(o), b"x", 0, CTX), (READ_ONLY,) * 5),
    "setattr": (lambda o: o.setattr(SHOP_VIEW(o), None, None, None, CTX), (READ_ONLY,) * 5),
    "setxattr": (lambda o: o.setxattr(SHOP_VIEW(o), b"user.x", b"y", CTX), (READ_ONLY,) * 5),
    "removexattr": (lambda o: o.removexattr(SHOP_VIEW(o), b"user.x", CTX), (READ_ONLY,) * 5),
    "write": (lambda o: o.write(1, 0, b"x"), (READ_ONLY,) * 5),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", MATRIX)
def test_every_handler_answers_as_it_should_in_every_state(
    states: dict[str, State], name: str, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, outcomes = MATRIX[name]
    assert run(lambda: outcome(lambda: asked(states[state].operations))) == outcomes[STATES.index(state)]


def test_the_matrix_is_the_one_of_the_documents(states: dict[str, State]) -> None:
    handlers = {name.split()[0] for name in MATRIX}
    assert handlers == {name for name in HANDLERS if name not in ("init", "stacktrace")}


@pytest.mark.parametrize("state", ["unapproved", "partly"])
def test_a_refusal_is_on_the_log(states: dict[str, State], state: str) -> None:
    before = states[state].log.read_bytes().count(b"\n")
    run(lambda: outcome(lambda: MATRIX["open"][0](states[state].operations)))
    time.sleep(1.01)  # another second, for within one only so many are written
    run(lambda: outcome(lambda: MATRIX["open"][0](states[state].operations)))
    assert states[state].log.read_bytes().count(b"\n") > before
    assert b'"level":"/shop"' in states[state].log.read_bytes()


# -- every handler there is --------------------------------------------------------------------------------------------

HANDLERS = [name for name, found in vars(pyfuse3.Operations).items() if callable(found) and not name.startswith("_")]
NOT_ASKED_BY_THE_KERNEL = {"init", "stacktrace"}


@pytest.mark.parametrize("name", [name for name in HANDLERS if name not in NOT_ASKED_BY_THE_KERNEL])
def test_every_handler_of_pyfuse3_is_defined_by_ours(name: str) -> None:
    assert getattr(Operations, name) is not getattr(pyfuse3.Operations, name)


GARBAGE: list[object] = [None, -1, 0, 1, 2, 3, 1 << 63, b"", b".env", b"\0", "text", object()]


@pytest.mark.parametrize("name", [name for name in HANDLERS if name not in NOT_ASKED_BY_THE_KERNEL])
def test_whatever_a_handler_is_asked_it_answers_an_errno_and_never_enosys(
    states: dict[str, State], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import inspect

    count = len(inspect.signature(getattr(pyfuse3.Operations, name)).parameters) - 1
    handler = getattr(states["approved"].operations, name)

    async def main() -> None:
        for turn in range(len(GARBAGE)):
            arguments = [GARBAGE[(turn + 5 * place) % len(GARBAGE)] for place in range(count)]
            try:
                await handler(*arguments)
            except FUSEError as error:
                asked_once = name in ("flush", "getxattr", "listxattr")
                assert asked_once or error.errno != errno.ENOSYS  # noqa: PT017 - either outcome is a pass

    run(main)


@pytest.mark.parametrize("surprise", [ZeroDivisionError("hunter2"), KeyError("x"), RecursionError(), MemoryError()])
@pytest.mark.parametrize("place", ["sees", "decide", "admit_warm"])
def test_a_surprise_becomes_eio_and_the_next_question_is_answered(
    world: World,
    surprise: Exception,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    operations = world.operations()
    run(lambda: read_file(operations, inode(operations, "dotenv", "/shop")))
    view = inode(operations, "dotenv", "/shop")

    def fail(*_arguments: object) -> object:
        raise surprise

    async def ask() -> list[str]:
        return [
            await outcome(lambda: operations.lookup(1, b"shop", CTX)),
            await outcome(lambda: operations.getattr(view, CTX)),
            await outcome(lambda: operations.open(view, os.O_RDONLY, CTX)),
        ]

    with monkeypatch.context() as patch:
        patch.setattr(world.open_vault.gate, place, fail)
        assert "EIO" in run(ask)
    assert run(ask) == ["ok"] * 3


# -- what is shown -----------------------------------------------------------------------------------------------------


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


# -- what is read ------------------------------------------------------------------------------------------------------


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
        assert operations.files_beyond(held) == []
        # but for what is open
        assert operations.files_beyond(held - 1) == [(folder, b".env.json"), (folder, b".environ")]
        await operations.release(found.fh)
        assert operations.files_beyond(held - 1)[0] == (folder, b".env")

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


# -- grants and the log ------------------------------------------------------------------------------------------------


def test_a_grant_counts_from_the_next_open_on_and_its_end_too(world: World) -> None:
    operations = world.operations()
    number = inode(operations, "dotenv", "/shop")

    def opened() -> str:
        return run(lambda: outcome(lambda: read_file(operations, number)))

    assert opened() == "ok"
    world.allow()
    assert opened() == "EACCES"
    world.allow(("/shop", ME.uid))
    assert opened() == "ok"
    world.allow(("/shop/prod", ME.uid))
    assert opened() == "EACCES"
    Path(world.places.settings).chmod(0o666)
    time.sleep(LATER)
    assert opened() == "EACCES"


def test_what_is_open_is_refused_when_the_grant_goes_and_is_on_the_log_once(world: World) -> None:
    async def main() -> list[str]:
        operations = world.operations()
        number = await looked_up(operations, inode(operations, "dotenv", "/shop"))
        file = (await operations.open(number, os.O_RDONLY, CTX)).fh
        folders = [inode(operations, kind, "/shop") for kind in ("folder", "variables", "history")]
        listed = [await operations.opendir(folder, CTX) for folder in folders]
        world.allow(("/blog", ME.uid))
        before = len(world.entries())
        outcomes = [await outcome(lambda: operations.read(file, 0, 10)) for _ in range(3)]
        for handle in listed:
            outcomes += [await outcome(lambda: operations.readdir(handle, 0, [])) for _ in range(3)]  # noqa: B023
        outcomes.append(await outcome(lambda: operations.getattr(number, CTX)))
        entries = world.entries()[before:]
        assert [(e["event"], e["format"]) for e in entries] == [
            ("refuse", form) for form in ("dotenv", "names", "names", "names", "lookup")
        ]
        world.allow(("/", ME.uid))
        assert await outcome(lambda: operations.read(file, 0, 10)) == "ok"
        await operations.release(file)
        for handle in listed:
            await operations.releasedir(handle)
        return outcomes

    assert set(run(main)) == {"EACCES"}


@pytest.mark.parametrize("pid", [0, 1 << 22])
def test_an_unknown_caller_learns_no_size_and_no_name(world: World, pid: int) -> None:
    operations, unknown = world.operations(), Context(pid=pid)
    run(lambda: read_file(operations, inode(operations, "dotenv", "/shop")))
    file, folder = inode(operations, "dotenv", "/shop"), inode(operations, "folder", "/shop")
    variables = inode(operations, "variables", "/shop")
    asked: list[Asked] = [
        lambda o: o.lookup(1, b"shop", unknown),
        lambda o: o.lookup(1, b"nothing", unknown),
        lambda o: o.lookup(folder, b".env", unknown),
        lambda o: o.lookup(variables, b"LOG", unknown),
        lambda o: o.getattr(file, unknown),
        lambda o: o.getattr(folder, unknown),
        lambda o: o.access(file, os.R_OK, unknown),
        lambda o: o.opendir(1, unknown),
        lambda o: o.opendir(folder, unknown),
        lambda o: o.opendir(variables, unknown),
        lambda o: o.open(file, os.O_RDONLY, unknown),
    ]

    async def main() -> list[str]:
        return [await outcome(lambda: question(operations)) for question in asked]  # noqa: B023

    assert run(main) == ["EACCES"] * len(asked)


def test_hidden_and_missing_levels_look_alike(world: World) -> None:
    world.allow(("/shop/prod", ME.uid))
    operations = world.operations()
    shop = inode(operations, "folder", "/shop")

    async def main() -> list[str]:
        asked = [(1, b"blog"), (1, b"nope"), (1, b"Shop"), (shop, b"test"), (shop, b"_"), (1, b"a" * 64)]
        return [await outcome(lambda: operations.lookup(folder, name, CTX)) for folder, name in asked]  # noqa: B023

    assert len(set(run(main))) == 1


@pytest.mark.parametrize("ctx", [Context(uid=54_321), Context(pid=0), Context(pid=1 << 22), Context(uid=65_534)])
def test_a_caller_that_is_somebody_else_or_unknown_reads_nothing(world: World, ctx: Context) -> None:
    operations = world.operations()
    world.allow(("/", ME.uid), ("/", 54_321), ("/", 65_534))
    # 54321 is approved, but the process that asks is not its: nobody is believed to be somebody else
    assert run(lambda: outcome(lambda: read_file(operations, inode(operations, "dotenv", "/"), ctx))) == "EACCES"


def test_each_open_is_one_entry_and_nothing_else_is(world: World) -> None:
    operations = world.operations()
    run(lambda: read_file(operations, inode(operations, "dotenv", "/shop/prod")))
    number = inode(operations, "dotenv", "/shop/prod")
    before = len(world.entries())

    async def main() -> None:
        await operations.lookup(inode(operations, "folder", "/shop/prod"), b".env", CTX)
        await operations.getattr(number, CTX)
        await operations.access(number, os.R_OK, CTX)
        await operations.releasedir(await operations.opendir(1, CTX))
        await read_file(operations, number)

    run(main)
    entries = world.entries()[before:]
    assert [(e["event"], e["channel"], e["level"], e["version"], e["format"], e["decision"]) for e in entries] == [
        ("read", "mount", "/shop/prod", 1, "dotenv", "allow")
    ]
    assert (entries[0]["uid"], entries[0]["pid"]) == (ME.uid, ME.pid)
    assert entries[0]["executable"] == os.readlink("/proc/self/exe")


def test_no_entry_holds_a_value_or_a_name(world: World) -> None:
    operations = world.operations()
    run(lambda: read_file(operations, inode(operations, "dotenv", "/shop/prod")))
    log = Path(world.places.log).read_text()
    assert not [word for word in ("hunter", "DATABASE_URL", "PAGER", "postgres") if word in log]


def test_a_log_that_is_gone_serves_nothing_until_it_is_begun_anew(world: World) -> None:
    operations = world.operations()
    number = inode(operations, "dotenv", "/shop")

    def opened() -> str:
        return run(lambda: outcome(lambda: read_file(operations, number)))

    assert opened() == "ok"
    Path(world.places.log).unlink()
    assert [opened() for _ in range(3)] == ["EIO"] * 3
    world.service.log.restart(ME)
    assert opened() == "ok"
    assert [entry["event"] for entry in world.entries()] == ["restart", "read"]


# -- what is held ------------------------------------------------------------------------------------------------------


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


def test_the_error_table_is_that_of_the_documents() -> None:
    from envfs import errors
    from envfs.fuse import faults

    expected = {
        errors.NotApproved: "EACCES",
        errors.NoSuchLevel: "ENOENT",
        errors.Locked: "ENOKEY",
        errors.TimedOut: "ETIMEDOUT",
        errors.AuthenticationFailed: "EBADMSG",
        errors.RolledBack: "EBADMSG",
        errors.AuditUnavailable: "EIO",
        errors.StoreUnavailable: "EIO",
    }
    assert {kind: errno.errorcode[faults.number(kind("x"))] for kind in expected} == expected
    assert {faults.number(kind("x")) for kind in errors.BY_CODE.values()} & {errno.ENOSYS, 0} == set()
    assert faults.number(ZeroDivisionError()) == errno.EIO


def test_a_record_that_was_changed_is_ebadmsg_at_every_question(world: World) -> None:
    operations = world.operations()
    number = inode(operations, "dotenv", "/shop")
    run(lambda: read_file(operations, number))
    path = Path(world.places.vault) / "level/shop/@00000001.json"
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    time.sleep(0.08)
    for _ in range(3):
        assert run(lambda: outcome(lambda: read_file(operations, number))) == "EBADMSG"
    assert run(lambda: outcome(lambda: read_file(operations, inode(operations, "dotenv", "/blog")))) == "ok"

"""The handlers of the mount, called as pyfuse3 calls them: each in each state, and every surprise an errno."""

import errno
import os
import time
from collections.abc import Callable

import pyfuse3
import pytest
from pyfuse3 import FUSEError

from envfs.fuse.operations import Operations
from tests.component.states import STATES, Asked, State
from tests.component.world import Context, World, inode, outcome, read_file, run

CTX = Context()


def at(kind: str, level: str, version: int = 0, name: str = "") -> Callable[[Operations], int]:
    return lambda operations: inode(operations, kind, level, version, name)


ROOT, SHOP, PRODUCTION, BLOG = (at("folder", level) for level in ("/", "/shop", "/shop/prod", "/blog"))


SHOP_VIEW, PROD_VIEW, OLD_VIEW = at("dotenv", "/shop"), at("dotenv", "/shop/prod"), at("dotenv", "/shop", 1)


HISTORY, PAST = at("history", "/shop"), at("past", "/shop", 1)


VARIABLES, JSON, EXAMPLE = at("variables", "/shop"), at("json", "/shop"), at("example", "/shop")


ENVIRON, LOG, GONE = at("environ", "/shop"), at("value", "/shop", 0, "LOG"), at("value", "/shop", 0, "GONE")


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
    elsewhere, operations = world.operations(), world.operations()
    run(lambda: read_file(elsewhere, inode(elsewhere, "dotenv", "/shop")))  # so the view is ready, and no answer is
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

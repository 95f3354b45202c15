"""What the handlers of the mount refuse: by grants, by callers, by the log, by damage."""

import errno
import os
import time
from pathlib import Path

import pytest

from tests.component.states import Asked
from tests.component.world import LATER, ME, Context, World, inode, looked_up, outcome, read_file, run

CTX = Context()


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
    assert {kind: errno.errorcode[faults.errno_of(kind("x"))] for kind in expected} == expected
    assert {faults.errno_of(kind("x")) for kind in errors.BY_CODE.values()} & {errno.ENOSYS, 0} == set()
    assert faults.errno_of(ZeroDivisionError()) == errno.EIO


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

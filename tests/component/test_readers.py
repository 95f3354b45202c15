"""Who reads a level: the open files of the mount, and the readings of processes that still live."""

import os
import subprocess
import time

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Rule
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.gate import readings
from envfs.gate.readings import LevelReading, Readings
from envfs.host import clocks
from envfs.protocol import control
from envfs.service.holding.readers import ReaderState, level_readers
from tests.component.world import LATER, ME, STRANGER, Context, Replied, World, inode, looked_up, read_file, run

PROD = AccessRequest("/shop/prod", Channel.MOUNT, Format.DOTENV)
CTX = Context()


def states(world: World, level: str) -> list[tuple[str, str, int]]:
    """Return state, level and version of each reader, the latest first."""
    readers = level_readers(world.service, level)
    return [(state, reading.request.level, reading.version) for reading, state in readers]


def test_an_open_file_has_a_reader_until_it_is_closed_and_a_former_one_then(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        world.service.open_files = operations.open_files
        number = await looked_up(operations, inode(operations, "dotenv", "/shop/prod"))
        opened = await operations.open(number, os.O_RDONLY, CTX)  # type: ignore[arg-type]
        for level in ("/shop/prod", "/shop", "/"):
            assert states(world, level) == [("open", "/shop/prod", 1)]
        assert states(world, "/blog") == []
        await operations.release(opened.fh)
        assert states(world, "/shop/prod") == [("read", "/shop/prod", 1)]

    run(main)


def test_each_version_that_a_process_got_is_told(world: World) -> None:
    async def main() -> None:
        operations = world.operations()
        world.service.open_files = operations.open_files
        await read_file(operations, inode(operations, "dotenv", "/shop/prod"))
        await world.write("/shop/prod", "A=1\n")
        await read_file(operations, inode(operations, "dotenv", "/shop/prod"))
        assert sorted(states(world, "/shop/prod")) == [("read", "/shop/prod", 1), ("read", "/shop/prod", 2)]

    run(main)


def test_a_process_that_ended_is_told_only_while_its_file_is_open(world: World) -> None:
    process = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    ended = Caller(ME.uid, ME.gid, process.pid, "/bin/cat")
    now = clocks.boot_seconds()
    world.open_vault.gate.readings.note(ended, PROD, 1, now)
    assert states(world, "/shop") == [("read", "/shop/prod", 1)]
    process.communicate()
    assert states(world, "/shop") == []
    world.service.open_files = lambda: [LevelReading(ended, PROD, 1, now)]
    assert states(world, "/shop") == [("passed on", "/shop/prod", 1)]


def test_a_process_that_got_the_number_later_read_nothing(world: World) -> None:
    world.open_vault.gate.readings.note(ME, PROD, 1, 0.5)
    assert states(world, "/shop") == []


def test_a_refused_reader_is_none(world: World) -> None:
    async def main() -> None:
        await world.ask(control.ReadView("/shop/prod", "dotenv", "show"), STRANGER)
        assert states(world, "/") == []
        await world.ask(control.ReadView("/shop/prod", "dotenv", "show"))
        assert states(world, "/") == [("read", "/shop/prod", 1)]

    run(main)


def test_the_request_tells_who_and_only_to_the_owner(world: World) -> None:
    async def main() -> Replied:
        await world.ask(control.ReadView("/shop/prod", "json", "show"))
        return await world.sent(control.ListReaders("/shop"))

    rows = run(main).rows
    assert len(rows) == 1
    row = rows[0]
    assert isinstance(row, control.ReaderRow)
    assert row[:5] == ("/shop/prod", 1, "json", "show", ME.uid)
    assert (row.pid, row.executable, row.state) == (ME.pid, ME.executable, ReaderState.READ)
    refused = run(lambda: world.ask(control.ListReaders("/shop"), STRANGER))
    assert isinstance(refused, control.Failed)
    assert refused.code == "not-approved"


def test_of_a_level_whose_log_is_not_for_the_caller_no_reader_is_told(world: World) -> None:
    def asked() -> list[str]:
        rows = run(lambda: world.sent(control.ListReaders("/shop"), STRANGER)).rows
        return sorted(row.level for row in rows if isinstance(row, control.ReaderRow))

    for level in ("/shop", "/shop/prod"):
        run(lambda level=level: world.ask(control.ReadView(level, "json", "show")))  # type: ignore[misc]
    world.service.book.give(Rule("/shop", STRANGER.uid, can=frozenset((Capability.LOG,))))
    time.sleep(LATER)
    assert asked() == ["/shop", "/shop/prod"]
    world.service.book.give(Rule("/shop/prod", STRANGER.uid))
    time.sleep(LATER)
    assert asked() == ["/shop"]


def test_readings_are_bounded_and_the_latest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "_MOST", 8)
    last = Readings()
    for number in range(100):
        last.note(ME._replace(pid=number), PROD, 1, float(number))
        last.note(ME._replace(pid=number), PROD, 1, float(number) + 0.5)
    assert len([*last]) <= 8
    assert max(reading.seconds for reading in last) == 99.5
    assert min(reading.seconds for reading in last) > 90

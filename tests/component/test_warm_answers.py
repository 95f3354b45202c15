"""What is answered without a handler is what a handler would answer, whatever changed since the last time."""

import copy
import errno
import functools
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from pyfuse3 import FUSEError

from envfs.core.access.verdict import Decision, Verdict
from envfs.fuse import inodes
from envfs.fuse.handles import MOST_HANDLES, Handles
from envfs.fuse.operations import Operations
from envfs.fuse.touching import _UnderWay
from envfs.gate.gate import Gate
from tests.component.faces import processes, rules_by_process
from tests.component.mounted import Reader
from tests.component.world import LATER, ME, PROD, STRANGER, Context, World, outcome, run

PATH = "shop/prod/.env"
_STEPS = {"lookup": (Operations, "_step"), "open": (Gate, "admit_warm"), "read": (Handles, "file")}


@contextmanager
def handlers_asked() -> Iterator[list[str]]:
    """Note what the handlers are asked in this block: each goes by a step that no remembered answer goes by."""
    asked: list[str] = []

    def noted(kind: str, step: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(step)
        def note(*arguments: object) -> object:
            asked.append(kind)
            return step(*arguments)

        return note

    with pytest.MonkeyPatch.context() as patch:
        for kind, (owner, name) in _STEPS.items():
            patch.setattr(owner, name, noted(kind, getattr(owner, name)))
        yield asked


def with_reader(world: World, script: Callable[[Reader], Awaitable[None]]) -> None:
    """Run a script that asks a mount of the world."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inodes, "_LOOK_AGAIN_NS", 1 << 60)  # a slow machine may not make a handler look meanwhile
        run(lambda: script(Reader(world.operations())))


def _add_rule(world: World, lines: str) -> None:
    settings = Path(world.places.settings)
    settings.write_text(f"{settings.read_text()}[[grant]]\nuid = {ME.uid}\n{lines}\n")
    time.sleep(LATER)


async def warmed(reader: Reader, path: str = PATH) -> None:
    for _ in range(2):
        assert (await reader.cat(path)).error == "ok"


def test_a_second_reader_is_answered_without_a_handler(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        before = len(world.entries())
        with handlers_asked() as asked:
            assert await reader.cat(PATH) == ("ok", PROD)
        assert asked == []
        assert len(world.entries()) == before + 1

    with_reader(world, script)


def test_it_is_told_and_recorded_what_a_handler_tells_and_records(world: World) -> None:
    async def script(reader: Reader) -> None:
        first = await reader.walk(PATH)
        anew = await reader.open(first.st_ino)
        entry = world.entries()[-1]
        again = await reader.walk(PATH)
        with handlers_asked() as asked:
            remembered = await reader.open(again.st_ino)
        assert asked == []
        names = [name for name in dir(first) if name.startswith("st_") or name.endswith("_timeout")]
        assert [getattr(again, name) for name in names] == [getattr(first, name) for name in names]
        for opened in (anew, remembered):
            assert (opened.direct_io, opened.keep_cache, opened.nonseekable) == (True, False, False)
            await reader.operations.release(opened.fh)
        assert anew.fh != remembered.fh
        chained = {"seq", "time", "prev", "hash", "mac", "n"}
        told = [{key: value for key, value in each.items() if key not in chained} for each in world.entries()[-2:]]
        assert told[0] == told[1]
        assert set(entry) == set(world.entries()[-1])

    with_reader(world, script)


def test_the_kernel_is_counted_with_each_look_up(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        number, table = (await reader.walk(PATH)).st_ino, reader.operations.table
        times = table._times[number]
        await reader.walk(PATH)
        assert table._times[number] == times + 1

    with_reader(world, script)


def test_what_the_kernel_has_forgotten_is_looked_up_anew(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        number, table = (await reader.walk(PATH)).st_ino, reader.operations.table
        await reader.operations.forget([(number, table._times[number])])
        with handlers_asked() as asked:
            assert (await reader.cat(PATH)).error == "ok"
        assert asked[0] == "lookup"
        assert number in {inode.number for inode in table}

    with_reader(world, script)


# -- whatever changed --------------------------------------------------------------------------------------------------


def _take_away(world: World) -> None:
    world.allow()


def _allow_elsewhere(world: World) -> None:
    world.allow(("/blog", ME.uid))


def _distrust_rules(world: World) -> None:
    Path(world.places.settings).chmod(0o666)
    time.sleep(LATER)


def _remove_log(world: World) -> None:
    Path(world.places.log).unlink()


def _add_to_log(world: World) -> None:
    with Path(world.places.log).open("ab") as log:
        log.write(b"{}\n")


CHANGES = {
    "no rule any more": (_take_away, "EACCES"),
    "a rule for another level": (_allow_elsewhere, "EACCES"),
    "rules that others may write": (_distrust_rules, "EACCES"),
    "no log": (_remove_log, "EIO"),
    "a log that another program wrote": (_add_to_log, "EIO"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_after_a_change_nobody_is_answered_as_before(world: World, name: str) -> None:
    change, error = CHANGES[name]

    async def script(reader: Reader) -> None:
        await warmed(reader)
        number = (await reader.walk(PATH)).st_ino
        change(world)
        assert await outcome(lambda: reader.open(number)) == error
        assert (await reader.cat(PATH)).error == error
        assert await outcome(lambda: reader.walk("shop")) == ("ok" if error == "EIO" else error)

    with_reader(world, script)


def test_a_rule_that_has_ended_admits_nobody_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME)
    until = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + 3600))
    world.allow()
    _add_rule(world, f'level = "/"\nuntil = "{until}"')

    async def script(reader: Reader) -> None:
        await warmed(reader)
        opened = await reader.open((await reader.walk(PATH)).st_ino)
        monkeypatch.setattr("envfs.host.clocks.boot_seconds", lambda: seconds + 7200)
        with pytest.raises(FUSEError) as refused:
            await reader.read(opened.fh)
        assert refused.value.errno == errno.EACCES
        assert (await reader.cat(PATH)).error == "EACCES"

    with_reader(world, script)


def test_a_file_that_is_open_is_read_no_more_once_its_rule_is_gone(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        handle = (await reader.open((await reader.walk(PATH)).st_ino)).fh
        assert await reader.read(handle) == PROD
        world.allow()
        with pytest.raises(FUSEError) as refused:
            await reader.read(handle)
        assert refused.value.errno == errno.EACCES
        await reader.operations.release(handle)

    with_reader(world, script)


def test_a_file_that_is_open_is_read_no_more_once_it_is_locked(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        handle = (await reader.open((await reader.walk(PATH)).st_ino)).fh
        world.open_vault.views.lock()
        with pytest.raises(FUSEError) as refused:
            await reader.read(handle)
        assert refused.value.errno == errno.ENOKEY

    with_reader(world, script)


def test_a_new_text_is_read_at_once(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        await world.write("/shop", "LOG=trace\n")
        assert "LOG=trace" in (await reader.cat(PATH)).text
        await world.write("/", "REGION=us\n")
        assert "REGION=us" in (await reader.cat(PATH)).text

    with_reader(world, script)


def test_a_new_level_is_found_at_once_beside_one_that_was_looked_up(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        assert (await reader.cat("shop/new/.env")).error == "ENOENT"
        await world.write("/shop/new", "NEW=1\n")
        assert "NEW=1" in (await reader.cat("shop/new/.env")).text

    with_reader(world, script)


def test_a_level_that_is_gone_is_looked_up_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        monkeypatch.setattr(reader.operations._vault, "children", lambda _level: frozenset({"blog"}))
        assert (await reader.cat(PATH)).error == "ENOENT"

    with_reader(world, script)


def test_an_inode_of_which_the_kernel_was_told_anew_is_opened_by_a_handler(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        number, table = (await reader.walk(PATH)).st_ino, reader.operations.table
        table.refreshed(table[number]._replace(entry=copy.copy(table[number].entry)))
        with handlers_asked() as asked:
            assert await reader.cat(PATH) == ("ok", PROD)
        assert asked == ["lookup", "open", "read"]

    with_reader(world, script)


def test_another_user_and_an_unknown_one_have_nothing_of_it(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        number = (await reader.walk(PATH)).st_ino
        for ctx in (Context(uid=STRANGER.uid, gid=STRANGER.gid), Context(pid=0), Context(pid=1 << 22)):
            assert (await reader.cat(PATH, ctx)).error == "EACCES"
            with pytest.raises(FUSEError):
                await reader.open(number, ctx=ctx)  # by a descriptor of whoever looked it up

    with_reader(world, script)


def test_what_is_opened_to_write_is_refused(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        number = (await reader.walk(PATH)).st_ino
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_TRUNC, os.O_APPEND):
            with pytest.raises(FUSEError) as refused:
                await reader.open(number, flags)
            assert refused.value.errno == errno.EROFS

    with_reader(world, script)


def test_the_open_files_of_a_user_are_bounded_all_the_same(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        number = (await reader.walk(PATH)).st_ino
        handles = [(await reader.open(number)).fh for _ in range(MOST_HANDLES)]
        before = world.entries()
        assert (await reader.cat(PATH)).error == "ENFILE"
        assert world.entries() == before  # what could not be opened was not read
        for handle in handles:
            await reader.operations.release(handle)
        assert (await reader.cat(PATH)).error == "ok"

    with_reader(world, script)


@pytest.mark.parametrize("surprise", [ZeroDivisionError("hunter2"), KeyError("x"), RecursionError(), MemoryError()])
@pytest.mark.parametrize("place", ["is_by", "is_ready", "admit_again"])
def test_a_surprise_becomes_eio_and_the_next_question_is_answered(
    world: World, surprise: Exception, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> object:
        raise surprise

    async def script(reader: Reader) -> None:
        await warmed(reader)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Gate, place, fail)
            assert (await reader.cat(PATH)).error == "EIO"
        assert await reader.cat(PATH) == ("ok", PROD)

    with_reader(world, script)
    assert "hunter2" not in capsys.readouterr().err


# -- what is never remembered ------------------------------------------------------------------------------------------


def test_what_rules_say_of_one_process_is_no_answer_for_another(world: World) -> None:
    policy = rules_by_process(world)

    async def script(reader: Reader) -> None:
        with processes(2) as (allowed, refused):
            policy.show(allowed)
            for _ in range(3):
                assert (await reader.cat(PATH, allowed)).text == PROD
                assert (await reader.cat(PATH, refused)).error == "EACCES"

    with_reader(world, script)


def test_a_yes_of_a_person_is_no_rule(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _add_rule(world, 'level = "/shop/prod"\ndecision = "ask"')
    approvals = world.open_vault.gate._approvals

    async def script(reader: Reader) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(approvals, "decide", lambda *_: Verdict(Decision.ALLOW, "q1 session"))
            with handlers_asked() as asked:
                for _ in range(3):
                    assert await reader.cat(PATH) == ("ok", PROD)
            assert [asked.count(kind) for kind in ("open", "read")] == [3, 3]
        with handlers_asked() as asked:
            assert (await reader.walk(PATH)).st_size == 0
        assert asked == ["lookup"]  # the folders on the way are seen by the rule alone

    with_reader(world, script)


def test_in_a_crowd_the_handlers_answer(world: World) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        sharing, opened = reader.operations.sharing, await reader.open((await reader.walk(PATH)).st_ino)
        async with trio.open_nursery() as tasks:
            tasks.start_soon(sharing.run)
            await trio.testing.wait_all_tasks_blocked()
            sharing.is_crowded = True
            with handlers_asked() as asked:
                assert (await reader.cat(PATH)).text == PROD
                assert await reader.read(opened.fh) == PROD
            tasks.cancel_scope.cancel()
        assert asked == ["lookup", "lookup", "lookup", "open", "read", "read"]

    with_reader(world, script)


def test_while_something_is_touched_the_handlers_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(reader: Reader) -> None:
        await warmed(reader)
        monkeypatch.setattr(reader.operations.touching, "_touch", _UnderWay(0, 0, {}))
        with handlers_asked() as asked:
            assert (await reader.cat(PATH)).text == PROD
        assert asked == ["lookup", "lookup", "lookup", "open", "read"]

    with_reader(world, script)


def test_a_rule_that_counts_its_reads_counts_each(world: World) -> None:
    _add_rule(world, 'level = "/shop/prod"\nmax_reads = 5')

    async def script(reader: Reader) -> None:
        with handlers_asked() as asked:
            for _ in range(3):
                assert (await reader.cat(PATH)).error == "ok"
        assert asked.count("open") == 3

    with_reader(world, script)


def test_each_read_of_a_canary_is_an_alarm(world: World) -> None:
    async def script(reader: Reader) -> None:
        await world.write("/shop/prod", "# @canary TRAP\nTRAP=t0p\n")
        for turn in range(1, 4):
            assert (await reader.cat(PATH)).error == "ok"
            assert [entry["event"] for entry in world.entries()].count("canary") == turn

    with_reader(world, script)

"""What is answered without a handler is what a handler would answer, whatever changed since the last time."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from envfs.fuse.device import questions
from envfs.fuse.device.layout import Opcode
from envfs.fuse.operations import Operations
from envfs.fuse.touching import _UnderWay
from tests.component.faces import processes, rules_by_process
from tests.component.kernel import Kernel, served
from tests.component.world import LATER, ME, PROD, STRANGER, Context, World, run

PATH = "shop/prod/.env"
_WARM = {Opcode.LOOKUP, Opcode.OPEN, Opcode.READ, Opcode.RELEASE}


@contextmanager
def handlers_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Note what the handlers are asked in this block."""
    asked: list[int] = []
    real = questions.answer

    async def answer(handlers: Operations, question: questions.KernelQuestion) -> object:
        asked.append(question.opcode)
        return await real(handlers, question)

    with monkeypatch.context() as patch:
        patch.setattr(questions, "answer", answer)
        yield asked


def with_kernel(
    world: World, script: Callable[[Kernel], Awaitable[None]], operations: Operations | None = None
) -> None:
    """Run a script that asks a mount of the world."""

    async def main() -> None:
        async with served(operations or world.operations()) as kernel:
            await script(kernel)

    run(main)


async def warmed(kernel: Kernel, path: str = PATH) -> None:
    for _ in range(2):
        assert (await kernel.cat(path)).error == "ok"


def test_a_second_reader_is_answered_without_a_handler(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        before = len(world.entries())
        with handlers_asked(monkeypatch) as asked:
            answer = await kernel.cat(PATH)
        assert answer.body.decode() == PROD
        assert not _WARM & set(asked)
        assert len(world.entries()) == before + 1

    with_kernel(world, script)


def test_the_kernel_is_counted_with_each_look_up(world: World) -> None:
    operations = world.operations()

    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        number = (await kernel.walk(PATH)).number
        times = operations.table._times[number]
        await kernel.walk(PATH)
        assert operations.table._times[number] == times + 1

    with_kernel(world, script, operations)


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

    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        change(world)
        assert (await kernel.cat(PATH)).error == error

    with_kernel(world, script)


def test_a_file_that_is_open_is_read_no_more_once_its_rule_is_gone(world: World) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        handle = (await kernel.open((await kernel.walk(PATH)).number)).number
        assert (await kernel.read(handle)).body.decode() == PROD
        world.allow()
        assert (await kernel.read(handle)).error == "EACCES"
        assert (await kernel.release(handle)).error == "ok"

    with_kernel(world, script)


def test_a_file_that_is_open_is_read_no_more_once_it_is_locked(world: World) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        handle = (await kernel.open((await kernel.walk(PATH)).number)).number
        world.open_vault.views.lock()
        assert (await kernel.read(handle)).error == "ENOKEY"

    with_kernel(world, script)


def test_a_new_text_is_read_at_once(world: World) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        await world.write("/shop", "LOG=trace\n")
        assert b"LOG=trace" in (await kernel.cat(PATH)).body
        await world.write("/", "REGION=us\n")
        assert b"REGION=us" in (await kernel.cat(PATH)).body

    with_kernel(world, script)


def test_a_new_level_is_found_at_once_beside_one_that_was_looked_up(world: World) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        assert (await kernel.walk("shop/new/.env")).error == "ENOENT"
        await world.write("/shop/new", "NEW=1\n")
        assert b"NEW=1" in (await kernel.cat("shop/new/.env")).body

    with_kernel(world, script)


def test_another_user_and_an_unknown_one_have_nothing_of_it(world: World) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        for ctx in (Context(uid=STRANGER.uid, gid=STRANGER.gid), Context(pid=0), Context(pid=1 << 22)):
            assert (await kernel.cat(PATH, ctx)).error == "EACCES"

    with_kernel(world, script)


def test_what_is_opened_to_write_is_refused(world: World) -> None:
    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        number = (await kernel.walk(PATH)).number
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_TRUNC, os.O_APPEND):
            assert (await kernel.open(number, flags)).error == "EROFS"

    with_kernel(world, script)


# -- what is never remembered ------------------------------------------------------------------------------------------


def test_what_rules_say_of_one_process_is_no_answer_for_another(world: World) -> None:
    policy = rules_by_process(world)

    async def script(kernel: Kernel) -> None:
        with processes(2) as (allowed, refused):
            policy.show(allowed)
            for _ in range(3):
                assert (await kernel.cat(PATH, allowed)).body.decode() == PROD
                assert (await kernel.cat(PATH, refused)).error == "EACCES"

    with_kernel(world, script)


@pytest.mark.parametrize("what", ["a crowd", "a touch"])
def test_in_a_crowd_and_while_something_is_touched_the_handlers_answer(
    world: World, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = world.operations()

    async def script(kernel: Kernel) -> None:
        await warmed(kernel)
        if what == "a touch":
            monkeypatch.setattr(operations.touching, "_touch", _UnderWay(0, 0, {}))
            with handlers_asked(monkeypatch) as asked:
                assert (await kernel.cat(PATH)).body.decode() == PROD
            assert set(asked) == {Opcode.LOOKUP, Opcode.OPEN, Opcode.READ}
        else:
            async with trio.open_nursery() as tasks:
                tasks.start_soon(operations.sharing.run)
                await trio.testing.wait_all_tasks_blocked()
                operations.sharing.is_crowded = True
                with handlers_asked(monkeypatch) as asked:
                    assert (await kernel.cat(PATH)).body.decode() == PROD
                tasks.cancel_scope.cancel()
            assert set(asked) == {Opcode.LOOKUP, Opcode.OPEN, Opcode.READ}

    with_kernel(world, script, operations)


def test_a_rule_that_counts_its_reads_counts_each(world: World) -> None:
    settings = Path(world.places.settings)
    settings.write_text(settings.read_text() + f'[[grant]]\nlevel = "/shop/prod"\nuid = {ME.uid}\nmax_reads = 5\n')
    time.sleep(LATER)

    async def script(kernel: Kernel) -> None:
        with handlers_asked(pytest.MonkeyPatch()) as asked:
            for _ in range(3):
                assert (await kernel.cat(PATH)).error == "ok"
        assert asked.count(Opcode.OPEN) == 3

    with_kernel(world, script)

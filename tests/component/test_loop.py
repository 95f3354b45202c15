"""The loop under the handlers: one worker at the device, no task switch while it is alone, and nobody left waiting."""

import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import pytest
import trio
import trio.lowlevel
import trio.testing

from envfs.fuse import loop
from envfs.fuse.device import questions
from envfs.fuse.device.facts import FileSystemRoom
from envfs.fuse.device.fuse_device import FuseDevice
from envfs.fuse.device.layout import IN_HEADER, Opcode
from envfs.fuse.loop import DeviceLock
from tests.component.kernel import served
from tests.component.world import Context, World, inode, outcome, read_file, run

CTX = Context()


@asynccontextmanager
async def having(baton: DeviceLock) -> AsyncIterator[None]:
    await baton.take()
    try:
        yield
    finally:
        baton.release()


def at_once(coroutine: Coroutine[object, object, object]) -> None:
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_a_free_baton_is_taken_put_down_and_taken_again_without_a_task_switch() -> None:
    baton = DeviceLock()
    for _ in range(3):
        at_once(baton.take())
        baton.release()


def test_two_never_have_it_at_once() -> None:
    async def main() -> None:
        baton, inside, most = DeviceLock(), 0, 0

        async def worker() -> None:
            nonlocal inside, most
            for _ in range(20):
                async with having(baton):
                    inside += 1
                    most = max(most, inside)
                    await trio.lowlevel.checkpoint()
                    inside -= 1
                baton.make_way()
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(worker)
        assert most == 1

    run(main)


def test_whoever_is_going_to_wait_lets_another_in() -> None:
    async def main() -> None:
        baton, order = DeviceLock(), []

        async def first() -> None:
            async with having(baton):
                await trio.testing.wait_all_tasks_blocked()
            baton.make_way()
            await trio.lowlevel.checkpoint()
            order.append("first waited")

        async def second() -> None:
            async with having(baton):
                order.append("second has it")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            nursery.start_soon(second)
        assert "second has it" in order

    trio.run(main, clock=trio.testing.MockClock())  # no time passes: it was not healed


def test_without_anybody_waiting_making_way_does_nothing() -> None:
    baton = DeviceLock()
    baton.make_way()
    at_once(baton.take())
    baton.make_way()
    assert baton._taken


def test_a_worker_that_ends_without_a_word_holds_up_nobody_for_long() -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)

    async def main() -> None:
        baton = DeviceLock()

        async def silent() -> None:
            async with having(baton):
                await trio.sleep(0.5)

        async def next_one() -> None:
            await trio.sleep(0.1)
            async with having(baton):
                pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(silent)
            nursery.start_soon(next_one)
        assert trio.current_time() - started < 3

    async def timed() -> None:
        nonlocal started
        started = trio.current_time()
        await main()

    started = 0.0
    trio.run(timed, clock=clock)


def test_a_worker_that_is_cancelled_while_it_waits_takes_nothing_away() -> None:
    async def main() -> None:
        baton = DeviceLock()
        async with having(baton):
            with trio.move_on_after(0.01):
                async with having(baton):
                    pytest.fail("it had it twice")
        at_once(baton.take())

    run(main)


def test_a_worker_that_fails_puts_it_down() -> None:
    async def main() -> None:
        baton = DeviceLock()
        with pytest.raises(ZeroDivisionError):
            async with having(baton):
                raise ZeroDivisionError
        at_once(baton.take())

    run(main)


class Endless:
    """A device with one question after the other, each answered at once, until `is_over`."""

    question = memoryview(bytes(IN_HEADER.size))
    is_over = False

    def read(self) -> int:
        if self.is_over:
            raise EOFError
        return IN_HEADER.size

    def answer(self, _size: int) -> bool:
        return True


def test_while_questions_come_without_a_pause_the_other_tasks_have_their_turn() -> None:
    endless = Endless()

    async def main() -> None:
        async with trio.open_nursery() as tasks:
            tasks.start_soon(loop.Loop(endless, endless, endless).run)  # type: ignore[arg-type]
            for _ in range(5):
                await trio.lowlevel.checkpoint()
            await trio.sleep(0.01)
            endless.is_over = True

    run(main)


def test_a_question_that_was_withdrawn_between_the_look_and_the_read_holds_nothing_up() -> None:
    device, asker = os.pipe()
    connection = FuseDevice(device)
    assert connection.read() == 0
    os.write(asker, b"?")
    assert connection.is_asked()
    assert connection.read() == 1
    assert not connection.is_asked()
    assert connection.read() == 0
    os.close(asker)
    with pytest.raises(EOFError):
        connection.read()
    os.close(device)


@pytest.mark.parametrize("where", ["lookup", "statfs"])
def test_a_surprise_is_eio_and_the_next_question_is_answered(
    shared: World, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    operations = shared.operations()

    async def main() -> None:
        async with served(operations) as kernel:
            with monkeypatch.context() as patch:
                patch.setattr(questions, "answer", fail)
                patch.setattr(kernel.loop._warm, "answer", fail_now if where == "lookup" else lambda _: False)
                assert (await kernel.look_up(1, "shop")).error == "EIO"
            assert (await kernel.look_up(1, "shop")).error == "ok"

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    def fail_now(_size: int) -> bool:
        raise ZeroDivisionError

    run(main)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_one_question_that_waits_holds_up_none_of_those_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = world.operations()
    waits = trio.Event()

    async def statfs(_ctx: object) -> FileSystemRoom:
        loop.make_way()
        await waits.wait()
        return FileSystemRoom(4096, 255)

    monkeypatch.setattr(operations, "statfs", statfs)

    async def main() -> None:
        async with served(operations) as kernel:
            first = [await kernel.send(Opcode.STATFS, 1, b"") for _ in range(100)]
            for _ in range(3):
                assert (await kernel.look_up(1, "shop")).error == "ok"
            waits.set()
            assert sorted([(await kernel.answer())[0] for _ in first]) == first

    run(main)


@pytest.mark.parametrize("ask", ["lookup", "getattr", "open"])
def test_a_handler_makes_way_before_it_waits_and_only_then(
    world: World, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real = world.keyholder.ask

    async def asked(*arguments: object) -> object:
        steps.append("wait")
        return await real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "make_way", lambda: steps.append("way"))
    monkeypatch.setattr(world.keyholder, "ask", asked)
    operations = world.operations()
    folder, view = inode(operations, "folder", "/shop"), inode(operations, "dotenv", "/shop")
    past = inode(operations, "dotenv", "/shop", 1)

    async def question(number: int) -> None:
        if ask == "lookup":
            await operations.lookup(folder, b".env", CTX)
        elif ask == "getattr":
            await outcome(lambda: operations.getattr(number, CTX))  # one that was replaced may be answered ESTALE
        else:
            await read_file(operations, number)

    run(lambda: question(view))
    assert steps[:2] == ["way", "wait"]
    steps.clear()
    run(lambda: question(view))
    assert "wait" not in steps
    if ask != "lookup":
        steps.clear()
        run(lambda: question(past))
        assert steps[:2] == ["way", "wait"]

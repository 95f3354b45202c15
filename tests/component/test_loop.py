"""The loop under the handlers: one worker at the device, no task switch while it is alone, and nobody left waiting."""

import ctypes
import errno
import os
import signal
import threading
from collections.abc import Coroutine, Iterator

import pytest
import trio
import trio.lowlevel
import trio.testing

from envfs.fuse import loop
from envfs.fuse.loop import DeviceLock
from tests.component.world import Context, World, inode, outcome, read_file, run
from tests.system.home import eventually

CTX = Context()


@pytest.fixture(autouse=True)
def _batons_of_this_test_alone() -> Iterator[None]:
    before = loop._batons[:]
    loop._batons.clear()
    yield
    loop._batons[:] = before


def at_once(coroutine: Coroutine[object, object, object]) -> None:
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_a_free_baton_is_taken_put_down_and_taken_again_without_a_task_switch() -> None:
    baton = DeviceLock()
    for _ in range(3):
        at_once(baton.__aenter__())
        at_once(baton.__aexit__())


def test_two_never_have_it_at_once() -> None:
    async def main() -> None:
        baton, inside, most = DeviceLock(), 0, 0

        async def worker() -> None:
            nonlocal inside, most
            for _ in range(20):
                async with baton:
                    inside += 1
                    most = max(most, inside)
                    await trio.lowlevel.checkpoint()
                    inside -= 1
                loop.make_way()
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
            async with baton:
                await trio.testing.wait_all_tasks_blocked()
            loop.make_way()
            await trio.lowlevel.checkpoint()
            order.append("first waited")

        async def second() -> None:
            async with baton:
                order.append("second has it")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            nursery.start_soon(second)
        assert "second has it" in order

    trio.run(main, clock=trio.testing.MockClock())  # no time passes: it was not healed


def test_without_anybody_waiting_making_way_does_nothing() -> None:
    baton = DeviceLock()
    loop.make_way()
    at_once(baton.__aenter__())
    loop.make_way()
    assert baton._taken


def test_a_worker_that_ends_without_a_word_holds_up_nobody_for_long() -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)

    async def main() -> None:
        baton = DeviceLock()

        async def silent() -> None:
            async with baton:
                await trio.sleep(0.5)

        async def next_one() -> None:
            await trio.sleep(0.1)
            async with baton:
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
        async with baton:
            with trio.move_on_after(0.01):
                async with baton:
                    pytest.fail("it had it twice")
        at_once(baton.__aenter__())

    run(main)


def test_a_worker_that_fails_puts_it_down() -> None:
    async def main() -> None:
        baton = DeviceLock()
        with pytest.raises(ZeroDivisionError):
            async with baton:
                raise ZeroDivisionError
        at_once(baton.__aenter__())

    run(main)


def test_a_device_with_a_request_is_not_waited_for_but_the_scheduler_has_its_turn() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x")
    try:
        switches = 0
        for _ in range(300):
            coroutine = loop._wait_readable(reading)
            try:
                coroutine.send(None)
            except StopIteration:
                continue
            except RuntimeError:
                switches += 1  # it went to trio, which does not run here
            else:
                coroutine.close()
                switches += 1
        assert 1 <= switches <= 30
    finally:
        os.close(reading)
        os.close(writing)


def test_a_device_without_a_request_is_waited_for() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        try:
            with trio.move_on_after(0.05) as scope:
                await loop._wait_readable(reading)
            assert scope.cancelled_caught
            os.write(writing, b"x")
            with trio.fail_after(60):
                await loop._wait_readable(reading)
        finally:
            os.close(reading)
            os.close(writing)

    run(main)


def test_a_device_that_is_closed_while_it_is_waited_for_is_an_error_and_no_endless_wait() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        os.close(writing)
        with trio.fail_after(60):
            await loop._wait_readable(reading)
        os.close(reading)

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


# -- questions that are withdrawn --------------------------------------------------------------------------------------


@pytest.fixture
def ticker(monkeypatch: pytest.MonkeyPatch) -> Iterator[loop.Ticker]:
    ticker = loop.Ticker()
    monkeypatch.setattr(loop, "_ticker", ticker)
    before = signal.getsignal(signal.SIGALRM)
    yield ticker
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def read_as_libfuse(device: int) -> int:
    """Read one byte by read(2) itself: Python's own would go on after a signal. Returns the error, if there is one."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.read(device, ctypes.create_string_buffer(1), 1) < 0 else 0


@pytest.mark.parametrize("is_slow", [False, True], ids=["after a look", "after a wait"])
def test_a_read_of_a_question_that_was_withdrawn_has_an_end(ticker: loop.Ticker, *, is_slow: bool) -> None:
    ticker.install()
    device, asker = os.pipe()
    late = threading.Timer(30, os.write, (asker, b"?"))  # without the signal the read would last for ever

    async def main() -> None:
        loop._left[0] = 0 if is_slow else loop._IN_A_ROW
        loop._until_ns[0] = 0 if is_slow else 1 << 62
        os.write(asker, b"?")
        await loop._wait_readable(device)

    run(main)
    os.read(device, 1)
    late.start()
    try:
        assert read_as_libfuse(device) == errno.EINTR
    finally:
        late.cancel()
        late.join()
        os.close(device)
        os.close(asker)


def test_without_questions_there_are_no_signals(ticker: loop.Ticker) -> None:
    ticker.install()
    for _ in range(3):
        ticker.before_read()
    eventually(lambda: signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), "the signals end")
    ticker.before_read()
    assert signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0)

"""Turns at the keyholder: one's thousand requests keep no other waiting, be that a user or the user's other program."""

import pytest
import trio
import trio.testing

from envfs.errors import TooMany
from envfs.gate.fair_queue import Asker
from envfs.gate.turns import Turns, asker
from tests.component.world import run

_MANY, _HONEST = Asker(1001, 1), Asker(1002, 1)
_OTHER_PROGRAM = Asker(1001, 2)


@pytest.fixture(autouse=True)
def _processes_are_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envfs.gate.turns.process_of", lambda thread: thread)


async def _hold(turns: Turns, who: Asker, order: list[Asker], goes_on: trio.Event | None = None) -> None:
    asker.set(who)
    async with turns.take():
        order.append(who)
        if goes_on is not None:
            await goes_on.wait()
        else:
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("later", [_HONEST, _OTHER_PROGRAM], ids=["of another user", "of the user's other program"])
def test_turns_are_given_one_after_the_other_whatever_each_has_waiting(later: Asker) -> None:
    async def main() -> list[Asker]:
        turns, order, first = Turns(2, 2), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(_hold, turns, _MANY, order, first)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(100):
                nursery.start_soon(_hold, turns, _MANY, order)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(3):
                nursery.start_soon(_hold, turns, later, order)
            await trio.testing.wait_all_tasks_blocked()
            first.set()
        return order

    order = run(main)
    assert order.count(later) == 3
    assert max(index for index, who in enumerate(order) if who == later) < 2 + 2 * 3 + 1


def test_neither_one_program_nor_one_user_ever_has_all_turns() -> None:
    async def main() -> None:
        turns, order, goes_on = Turns(4, 3), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(_hold, turns, _MANY, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            assert order == [_MANY] * 2
            for _ in range(10):
                nursery.start_soon(_hold, turns, _OTHER_PROGRAM, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            assert order == [_MANY] * 2 + [_OTHER_PROGRAM]
            await _hold(turns, _HONEST, order)
            goes_on.set()
        assert len(order) == 21

    run(main)


def test_more_requests_than_may_wait_are_refused() -> None:
    async def main() -> None:
        turns, order, goes_on = Turns(1, 1, most_waiting=3), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(_hold, turns, _MANY, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(TooMany):
                await _hold(turns, _MANY, order)
            goes_on.set()
        assert turns.is_idle

    run(main)


def test_a_task_that_has_a_turn_takes_no_second() -> None:
    async def main() -> None:
        turns = Turns(1, 1)
        with trio.fail_after(60):
            async with turns.take(), turns.take():
                pass
            async with turns.take():
                pass

    run(main)


@pytest.mark.parametrize("granted", [False, True], ids=["while it waits", "at the moment of its turn"])
def test_who_gives_up_leaves_the_turn_to_the_next(granted: bool) -> None:
    async def main() -> list[Asker]:
        turns, order, goes_on = Turns(1, 1), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hold, turns, _MANY, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as inner:
                    inner.start_soon(_hold, turns, _HONEST, order)
                    await trio.testing.wait_all_tasks_blocked()
                    if granted:
                        goes_on.set()
                    scope.cancel()
            goes_on.set()
            nursery.start_soon(_hold, turns, _MANY, order)
        with trio.fail_after(60):
            await _hold(turns, Asker(3), order)
        return order

    assert run(main)[-1] == Asker(3)


def test_where_one_program_has_too_many_waiting_there_is_room_for_the_users_other_one() -> None:
    async def main() -> None:
        turns, order, goes_on = Turns(1, 1, most_waiting=4), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(_hold, turns, _MANY, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(TooMany):
                await _hold(turns, _MANY, order)
            nursery.start_soon(_hold, turns, _OTHER_PROGRAM, order)
            await trio.testing.wait_all_tasks_blocked()
            goes_on.set()
        assert order.count(_OTHER_PROGRAM) == 1

    run(main)

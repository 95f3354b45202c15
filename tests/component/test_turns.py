"""Turns at the keyholder: one user's thousand requests do not keep another user waiting."""

import pytest
import trio
import trio.testing

from envfs.errors import TooMany
from envfs.gate.turns import Turns, asker
from tests.component.world import run

_MANY, _HONEST = 1001, 1002


async def _hold(turns: Turns, uid: int, order: list[int], goes_on: trio.Event | None = None) -> None:
    asker.set(uid)
    async with turns.take():
        order.append(uid)
        if goes_on is not None:
            await goes_on.wait()
        else:
            await trio.lowlevel.checkpoint()


def test_users_get_turns_one_after_the_other_whatever_each_has_waiting() -> None:
    async def main() -> list[int]:
        turns, order, first = Turns(2, 2), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(_hold, turns, _MANY, order, first)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(100):
                nursery.start_soon(_hold, turns, _MANY, order)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(3):
                nursery.start_soon(_hold, turns, _HONEST, order)
            await trio.testing.wait_all_tasks_blocked()
            first.set()
        return order

    order = run(main)
    assert order.count(_HONEST) == 3
    assert max(index for index, uid in enumerate(order) if uid == _HONEST) < 2 + 2 * 3 + 1


def test_one_user_never_has_all_turns() -> None:
    async def main() -> None:
        turns, order, goes_on = Turns(4, 3), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(_hold, turns, _MANY, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            assert order == [_MANY] * 3
            await _hold(turns, _HONEST, order)
            goes_on.set()
        assert len(order) == 11

    run(main)


def test_more_requests_than_may_wait_are_refused() -> None:
    async def main() -> None:
        turns, order, goes_on = Turns(1, 1, most_waiting=2), [], trio.Event()  # type: ignore[var-annotated]
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(_hold, turns, _MANY, order, goes_on)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(TooMany):
                await _hold(turns, _MANY, order)
            goes_on.set()

    run(main)


def test_a_task_that_has_a_turn_takes_no_second() -> None:
    async def main() -> None:
        turns = Turns(1, 1)
        with trio.fail_after(5):
            async with turns.take(), turns.take():
                pass
            async with turns.take():
                pass

    run(main)


@pytest.mark.parametrize("granted", [False, True], ids=["while it waits", "at the moment of its turn"])
def test_who_gives_up_leaves_the_turn_to_the_next(granted: bool) -> None:
    async def main() -> list[int]:
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
        with trio.fail_after(5):
            await _hold(turns, 3, order)
        return order

    assert run(main)[-1] == 3

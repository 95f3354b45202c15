"""The mount in a crowd: one user's or one program's many questions keep another reader waiting for a few of them."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from envfs.core.access.caller import Caller
from envfs.fuse.sharing import Sharing
from tests.component.world import run

_THREADS = 100  # the threads of process n have the numbers from 100 n on
_CROWD, _HONEST = 1001, 1002


def _shared(test: Callable[[Sharing], Awaitable[None]]) -> None:
    async def main() -> None:
        sharing = Sharing(lambda thread: thread // _THREADS * _THREADS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sharing.run)
            nursery.start_soon(sharing.watch)
            await trio.testing.wait_all_tasks_blocked()
            await test(sharing)
            nursery.cancel_scope.cancel()

    run(main)


def _is_crowded_by(*askers: tuple[int, int]) -> bool:
    seen = []

    async def test(sharing: Sharing) -> None:
        for uid, thread in askers:
            sharing.note(uid, thread)
        seen.append(sharing.is_crowded)

    _shared(test)
    return seen[0]


def test_readers_of_one_user_that_are_a_process_each_are_no_crowd() -> None:
    assert not _is_crowded_by(*((_CROWD, process * _THREADS) for process in range(1, 17)))


def test_many_threads_of_a_program_that_asks_alone_are_no_crowd() -> None:
    assert not _is_crowded_by(*((_CROWD, _THREADS + thread) for thread in range(16)))


@pytest.mark.parametrize(
    "askers",
    [
        [(_CROWD, 100), (_HONEST, 200)],
        [(_CROWD, 100), (_CROWD, 101), (_CROWD, 200)],
        [(_CROWD, 200), (_CROWD, 100), (_CROWD, 101)],
    ],
    ids=["two users", "threads, then another program", "a program, then another's threads"],
)
def test_two_users_or_threads_beside_another_program_are_a_crowd(askers: list[tuple[int, int]]) -> None:
    assert _is_crowded_by(*askers)


def test_a_crowd_that_has_gone_is_none() -> None:
    async def test(sharing: Sharing) -> None:
        for uid, thread in ((_CROWD, 100), (_HONEST, 200), (_CROWD, 101)):
            sharing.note(uid, thread)
        assert sharing.is_crowded
        with trio.fail_after(60):
            while sharing.is_crowded:
                await trio.sleep(0.05)
                for thread in (100, 101):
                    sharing.note(_CROWD, thread)

    _shared(test)


@pytest.mark.parametrize("late", [(_HONEST, 200), (_CROWD, 200)], ids=["another user", "the user's other program"])
def test_a_question_is_answered_before_those_of_a_crowd_that_came_earlier(late: tuple[int, int]) -> None:
    async def test(sharing: Sharing) -> None:
        answered: list[int] = []

        async def ask(uid: int, thread: int) -> None:
            await sharing.wait_turn(uid, thread)
            answered.append(thread)

        async with trio.open_nursery() as nursery:
            for thread in range(50):
                nursery.start_soon(ask, _CROWD, _THREADS + thread)
            await trio.lowlevel.checkpoint()
            nursery.start_soon(ask, *late)
        assert len(answered) == 51
        assert answered.index(late[1]) <= 4

    _shared(test)


def test_a_question_that_is_given_up_is_forgotten_and_the_others_go_on() -> None:
    async def test(sharing: Sharing) -> None:
        async with trio.open_nursery() as nursery:
            for thread in range(20):
                nursery.start_soon(sharing.wait_turn, _CROWD, _THREADS + thread)
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        with trio.fail_after(60):
            await sharing.wait_turn(_HONEST, 200)

    _shared(test)


def test_without_a_crowd_nobody_waits_for_who_opened() -> None:
    async def test(sharing: Sharing) -> None:
        with trio.fail_after(60):
            await sharing.wait_turn_of(Caller(_HONEST, _HONEST, 200))

    _shared(test)

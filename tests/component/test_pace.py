"""Whose step is next at the socket: one with a thousand requests waiting keeps no other waiting for more than one."""

import os
from collections.abc import Callable

import pytest
import trio
import trio.testing

from envfs.core.access.caller import Caller
from envfs.gate.fair_queue import Asker, FairQueue
from envfs.protocol import control, framing, wire
from envfs.service.pace import Pace
from tests.component.world import ME, STRANGER, Client, World, run

_STATUS = framing.encode_frame(wire.to_body(control.Status()))
_MANY = 1000
_ITS_OTHER_PROGRAM = Caller(ME.uid, ME.gid, os.getppid(), ME.executable)


@pytest.mark.parametrize("other", [STRANGER, _ITS_OTHER_PROGRAM], ids=["another user", "the user's other program"])
def test_a_request_is_answered_before_the_many_that_came_earlier_by_many_connections(
    shared: World, other: Caller
) -> None:
    answered: list[str] = []

    async def crowd(client: Client) -> None:
        await client.send(_STATUS * (_MANY // 20))
        for _ in range(_MANY // 20):
            await client.message()
            answered.append("many")

    async def one(client: Client) -> None:
        await client.ask(control.Status())
        answered.append("one")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(shared.talk, crowd)
            while not answered:
                await trio.lowlevel.checkpoint()
            already = len(answered)
            await shared.talk(one, other)
            assert len(answered) - already <= 30

    run(main)
    assert answered.count("many") == _MANY


def test_in_each_turn_of_the_loop_one_step_begins() -> None:
    class Loop(trio.abc.Instrument):
        turns = 0

        def before_io_wait(self, _timeout: float) -> None:
            self.turns += 1

    begun: list[int] = []

    async def main() -> None:
        pace, loop = Pace(), Loop()
        trio.lowlevel.add_instrument(loop)

        async def step(asker: Asker) -> None:
            for _ in range(10):
                await pace.wait_turn(asker)
                begun.append(loop.turns)

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(step, Asker(number % 3, number))

    run(main)
    assert len(begun) == len(set(begun)) == 100


def test_who_is_cancelled_while_it_waits_or_goes_passes_the_step_on() -> None:
    async def main() -> None:
        pace = Pace()
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(pace.wait_turn, Asker(number % 2))
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        with trio.fail_after(60):
            await pace.wait_turn(Asker(3))

    run(main)


# -- the queue ---------------------------------------------------------------------------------------------------------


def test_users_are_next_in_turn_and_so_are_the_processes_of_one() -> None:
    queue: FairQueue[str] = FairQueue()
    for name, count, asker in (("a", 3, Asker(1, 1)), ("b", 2, Asker(1, 2)), ("c", 2, Asker(2, 1))):
        for number in range(count):
            queue.add(asker, f"{name}{number}")
    assert "".join(_taken(queue)) == "a0c0b0c1a1b1a2"
    assert not queue.waiting


def test_those_who_may_not_are_passed_over_and_keep_their_place() -> None:
    queue: FairQueue[str] = FairQueue()
    for uid in (1, 2, 3):
        queue.add(Asker(uid), str(uid))
    assert queue.take(lambda asker: asker.uid > 1) == (Asker(2), "2")
    assert queue.take(lambda _: False) is None
    assert "".join(_taken(queue)) == "13"


def test_one_that_waits_no_more_is_forgotten() -> None:
    queue: FairQueue[str] = FairQueue()
    for name in "xyz":
        queue.add(Asker(1, 1), name)
    queue.remove(Asker(1, 1), "y")
    assert queue.waiting[1] == queue.waiting[Asker(1, 1)] == 2
    assert "".join(_taken(queue)) == "xz"


def _taken(queue: FairQueue[str]) -> list[str]:
    take: Callable[[], tuple[Asker, str] | None] = queue.take
    return [taken[1] for taken in iter(take, None) if taken is not None]

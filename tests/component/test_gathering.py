"""Evidence that takes its time: gathered by a thread, while everybody else is answered, and not for ever."""

import threading

import pytest
import trio
import trio.testing

from envfs.gate import gathering
from envfs.gate.gathering import Gathering
from envfs.host.evidence.unfinished import Unfinished, has_time


class Needy:
    """A question that is answered once so many things were read, or by one who has no time."""

    def __init__(self, reads: int, stuck: threading.Event | None = None) -> None:
        self.left = reads
        self.let_go = 0
        self._stuck = stuck

    async def ask(self) -> str:
        """Ask, or say what has to be read first."""
        if self.left and has_time.get():
            raise self.unfinished()
        return "all" if not self.left else "without"

    def unfinished(self) -> Unfinished:
        """Return what has to be read."""
        return Unfinished(self._read, self._release)

    def _read(self) -> None:
        if self._stuck is not None:
            self._stuck.wait(60)
        self.left -= 1

    def _release(self) -> None:
        self.let_go += 1


def test_a_question_is_repeated_until_all_was_read() -> None:
    needy = Needy(3)
    assert trio.run(Gathering().repeat, needy.ask, needy.unfinished(), 1) == "all"
    assert needy.let_go == 3


def test_one_that_lets_a_thread_wait_is_decided_without_and_others_are_not_kept() -> None:
    stuck, clock = threading.Event(), trio.testing.MockClock()
    hostile, same_user, other = Needy(1, stuck), Needy(1), Needy(1)
    answers: dict[str, str] = {}

    async def ask(name: str, needy: Needy, uid: int, threads: Gathering) -> None:
        answers[name] = await threads.repeat(needy.ask, needy.unfinished(), uid)

    async def run() -> None:
        threads = Gathering()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "hostile", hostile, 1, threads)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(ask, "same user", same_user, 1, threads)
            await ask("other", other, 2, threads)
            assert answers == {"other": "all"}
            clock.jump(gathering._SECONDS)
        assert has_time.get()
        stuck.set()

    trio.run(run, clock=clock)
    assert answers == {"hostile": "without", "same user": "without", "other": "all"}


def test_what_a_question_raises_otherwise_is_not_held_up() -> None:
    async def ask() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trio.run(Gathering().repeat, ask, Needy(1).unfinished(), 1)
    assert has_time.get()

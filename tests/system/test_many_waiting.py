"""Many callers that wait for a person: one question, quick answers, quick ends, and nobody else is slower."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import pytest

from tests.system.answering import Person
from tests.system.home import SECONDS, Home, as_user, eventually
from tests.system.test_asking import ASKER, LEVEL, asked, name_of, person, text

__all__ = ["asked", "person", "text"]  # the fixtures of that module
pytestmark = pytest.mark.soak

_ANSWERED, _ENDED = 0.2, 0.25  # seconds
_READS = 1000  # a second


@contextmanager
def waiting(home: Home, someone: Person, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Let so many programs wait for one file."""
    words = [*as_user(ASKER), "cat", str(home.view(LEVEL))]
    started = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd="/")
        for _ in range(number)
    ]
    try:
        eventually(lambda: [row["waiting"] for row in someone.questions()] == [number], "they wait", 60)
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


class Reader:
    """Reads an ordinary file again and again, and takes the time of each read."""

    def __init__(self, home: Home) -> None:
        self._path = str(home.view("/shop"))
        self.seconds: list[float] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        while not self._is_over.is_set():
            begun = time.perf_counter()
            handle = os.open(self._path, os.O_RDONLY)
            assert os.read(handle, 1 << 16)
            os.close(handle)
            self.seconds.append(time.perf_counter() - begun)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def median(self) -> float:
        return sorted(self.seconds)[len(self.seconds) // 2]


def reads(home: Home, seconds: float = 2.0) -> Reader:
    with Reader(home) as reader:
        time.sleep(seconds)
    return reader


def test_sixty_four_callers_are_one_question_and_are_answered_together(asked: Home, person: Person, text: str) -> None:
    with waiting(asked, person, 64) as programs:
        begun = time.monotonic()
        person.answer(name_of(person.questions()[0]), "once")
        outputs = [process.communicate()[0].decode() for process in programs]
        took = time.monotonic() - begun
    assert outputs == [text] * 64
    print(f"64 callers answered in {took:.3f} s")
    assert took < _ANSWERED * _slowness()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_each_of_many_callers_ends_soon_after_a_signal(asked: Home, person: Person, number: signal.Signals) -> None:
    took = []
    with waiting(asked, person, 16) as programs:
        for process in programs:
            begun = time.monotonic()
            process.send_signal(number)
            process.wait(SECONDS)
            took.append(time.monotonic() - begun)
    print(f"{number.name}: {max(took):.3f} s at most")
    assert max(took) < _ENDED * _slowness()
    eventually(lambda: not person.questions(), "the question is taken back")


def test_three_hundred_callers_of_one_user_slow_no_other(asked: Home, person: Person) -> None:
    alone = reads(asked)
    with waiting(asked, person, 300):
        beside = reads(asked)
    print(f"reads a second: {len(alone.seconds) / 2:.0f} alone, {len(beside.seconds) / 2:.0f} beside 300 that wait")
    print(f"median: {alone.median() * 1e6:.0f} µs alone, {beside.median() * 1e6:.0f} µs beside them")
    assert len(beside.seconds) / 2 > min(_READS, len(alone.seconds) / 2 * 0.6)


def _slowness() -> float:
    # on a machine that does other things the same takes longer
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

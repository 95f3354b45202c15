"""Each command of the shell runs in a child of its own."""

import os
import signal
from collections.abc import Callable
from typing import NoReturn

import pytest

from envfs.errors import NotRunning
from envfs_cli.shell import children


def fails(error: BaseException) -> Callable[[], int]:
    def action() -> NoReturn:
        raise error

    return action


def end_by_signal() -> int:
    signal.raise_signal(signal.SIGTERM)
    return 0


@pytest.mark.parametrize(
    ("action", "status"),
    [
        (lambda: 0, 0),
        (lambda: 42, 42),
        (fails(NotRunning("no")), NotRunning.status),
        (fails(KeyboardInterrupt()), 130),
        (fails(BrokenPipeError()), 141),
        (fails(RuntimeError("a bug")), 1),
        (end_by_signal, 143),
        (lambda: os.execvp("sh", ["sh", "-c", "exit 9"]), 9),  # noqa: S606 - what `exec` does
        (lambda: os.execvp("sh", ["sh", "-c", "kill -INT $$"]), 130),  # noqa: S606
    ],
)
def test_a_command_ends_in_a_child_and_gives_its_status(action: Callable[[], int], status: int) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert children.in_child(action, with_input=True) == status
    assert signal.getsignal(signal.SIGINT) is before


def test_a_child_of_a_script_reads_an_empty_input() -> None:
    assert children.in_child(lambda: len(os.read(0, 10)), with_input=False) == 0

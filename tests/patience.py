"""Limits, so that a test ends: one for what must not wait at all, and one for the children of a test that failed."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from types import TracebackType

import pytest

_SECONDS = 60  # what waits does so for ever, and a machine may be busy


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """Fail if what is inside waits for something."""

    def ring(_number: int, _frame: object) -> None:
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def end_children_of_failed_tests() -> None:
    """Have `with Popen(...)` kill the child when its block fails. It would wait for it, and a daemon never ends."""
    leave = subprocess.Popen.__exit__

    def kill_and_leave(
        child: subprocess.Popen[bytes],
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            child.kill()
        leave(child, kind, error, trace)

    subprocess.Popen.__exit__ = kill_and_leave  # type: ignore[method-assign,assignment]

"""A limit for what must not wait at all, so that a test of it ends."""

import contextlib
import signal
from collections.abc import Iterator

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

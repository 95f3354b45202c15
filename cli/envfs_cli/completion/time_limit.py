"""A bound on how long completion may take: a key press must never hang."""

import signal
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class TooSlow(Exception):
    """The time is up. It is no EnvFSError: nothing was refused, and an answer may still be on its way."""


@contextmanager
def at_most(seconds: float) -> "Iterator[None]":
    """Raise TooSlow in the block when it takes longer. For the main thread only."""
    old_handler = signal.signal(signal.SIGALRM, _up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old_handler)


def _up(_number: int, _frame: object) -> None:
    raise TooSlow

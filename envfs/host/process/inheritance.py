"""Inheritance: a daemon keeps nothing of the process that started it but the descriptors that are named.

Laws: descriptors are closed before anything else is opened. A daemon that is in nobody's foreground is in a session of
its own, so that no key typed at a terminal and no end of a session reaches it.
"""

import contextlib
import os
import signal
from collections.abc import Collection
from itertools import pairwise

_STANDARD = (0, 1, 2)
_PYTHONS_OWN = (signal.SIGPIPE, signal.SIGXFSZ)  # ignored by the interpreter, so that they are errors of a write


def drop_inherited(kept: Collection[int], *, own_session: bool) -> None:
    """Keep the standard descriptors and those in `kept`, the environment, and nothing else."""
    _close_all_but(kept)
    _fill_standard()
    _reset_signals()
    os.chdir("/")
    if own_session:
        with contextlib.suppress(PermissionError):  # it leads one already
            os.setsid()


def _close_all_but(kept: Collection[int]) -> None:
    edges = sorted({*_STANDARD, *(descriptor for descriptor in kept if descriptor >= 0)})
    for low, high in pairwise([*edges, 1 << 30]):
        if high - low > 1:
            os.closerange(low + 1, high)


def _fill_standard() -> None:
    # a file opened as descriptor 2 would be written to by every complaint
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free, which is this one
            os.set_inheritable(descriptor, True)


def _reset_signals() -> None:
    for number in signal.valid_signals():
        if number not in _PYTHONS_OWN and signal.getsignal(number) == signal.SIG_IGN:
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())

"""A lock of forked processes: the process that has the one byte of a pipe has the lock.

Needs no system call but `poll`, `read` and `write`, which the most confined process keeps.
"""

import contextlib
import os
import select

_PATIENCE_MS = 2000  # it is held for microseconds: a process that holds it for so long was killed with it


class ForkLock:
    """A lock that is made before the fork, and taken with `with`. It cannot be taken twice."""

    def __init__(self) -> None:
        """Make a pipe with one byte in it."""
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.write(self._writing, b"t")

    def __enter__(self) -> None:
        """Wait for the byte."""
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        while poll.poll(_PATIENCE_MS):
            with contextlib.suppress(BlockingIOError):  # somebody else was quicker
                os.read(self._reading, 2)
                return

    def __exit__(self, *_: object) -> None:
        """Put the byte back."""
        os.write(self._writing, b"t")

    def __del__(self) -> None:
        """Close the pipe."""
        os.close(self._reading)
        os.close(self._writing)

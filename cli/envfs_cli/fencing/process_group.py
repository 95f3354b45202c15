"""The process group of a fence: a signal to a group of the caller's would reach processes outside.

Laws: the group has the terminal from the start where it reads and writes there, and otherwise once it asks for that, so
that the other programs of a pipe keep their keys until then. A stop of the group stops the caller's job as well.
"""

import os
import signal

from envfs_cli.process.foreground import Foreground

_OF_THE_TERMINAL = (signal.SIGTTIN, signal.SIGTTOU)


class FenceGroup:
    """The group of one child. The signals of job control are blocked where this is used."""

    def __init__(self) -> None:
        """Look for a terminal."""
        self._own = os.getpgrp()
        self._foreground = Foreground(_terminal())
        self._is_lent = self._foreground.is_of(self._own) and os.isatty(0) and os.isatty(1)

    def enter(self) -> None:
        """Put this process, the child, into a group of its own."""
        os.setpgid(0, 0)
        if self._is_lent:
            self._foreground.pass_on(os.getpid())

    def signal(self, group: int, number: int) -> None:
        """Send a signal to all of the group."""
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            return  # all have ended

    def stopped(self, group: int, by: int) -> None:
        """Follow a stop of the group: by lending it the terminal, or by a stop of this job until that goes on."""
        if by in _OF_THE_TERMINAL and self._foreground.is_of(self._own):
            self._is_lent = True
        else:
            self._stop(by)
        self._continue(group)

    def _continue(self, group: int) -> None:
        if self._is_lent:
            self._foreground.give(group)
        self.signal(group, signal.SIGCONT)

    def end(self) -> None:
        """Take the terminal back, whichever group of the child has it."""
        if self._is_lent:
            self._foreground.pass_on(self._own)

    def _stop(self, by: int) -> None:
        # where nobody could continue this job, the kernel drops the stop of a key
        number = signal.SIGTSTP if by == signal.SIGTSTP else signal.SIGSTOP
        self.end()
        if self._is_lent:
            os.killpg(0, signal.SIGTSTP)  # the rest of a pipe, which the key would have reached. Here it is blocked
        os.kill(os.getpid(), number)
        _let_stop()


def _let_stop() -> None:
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTSTP,))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _terminal() -> int:
    # standard input may be a pipe
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return -1

"""The terminal of a person, and the one that its command gets: of the same size and modes, with this process between.

Laws: the person's terminal is raw only while this process is in the foreground there, and has its own modes again
whenever the command stops or ends. The command's keys are what its own terminal makes of bytes: Ctrl-C is no key here.
"""

import contextlib
import fcntl
import os
import termios
import tty

_SIZE = bytes(8)  # struct winsize


class PersonTerminal:
    """The terminal behind a descriptor of this process."""

    def __init__(self, handle: int) -> None:
        """Look at it."""
        self.handle = handle
        self.modes = termios.tcgetattr(handle)
        self._is_raw = False

    @property
    def is_ours(self) -> bool:
        """Tell whether this process is in the foreground there."""
        try:
            return os.tcgetpgrp(self.handle) == os.getpgrp()
        except OSError:
            return False

    def make_raw(self) -> None:
        """Pass keys on as they are, if they are for this process."""
        if self.is_ours and not self._is_raw:
            self.modes = termios.tcgetattr(self.handle)
            tty.setraw(self.handle, termios.TCSADRAIN)
            self._is_raw = True

    def restore(self) -> None:
        """Give it its modes back."""
        if self._is_raw:
            self._is_raw = False
            with contextlib.suppress(termios.error):  # it is gone
                termios.tcsetattr(self.handle, termios.TCSADRAIN, self.modes)

    def copy_size(self, other: int) -> None:
        """Give another terminal the size of this one."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(other, termios.TIOCSWINSZ, fcntl.ioctl(self.handle, termios.TIOCGWINSZ, _SIZE))


def open_terminal(person: PersonTerminal, *, is_bare: bool) -> tuple[int, int]:
    """Return both ends of a new terminal like a person's. A bare one changes nothing of what is written."""
    ours, theirs = os.openpty()
    for handle in (ours, theirs):
        os.set_inheritable(handle, False)
    if is_bare:
        tty.setraw(theirs)
    else:
        termios.tcsetattr(theirs, termios.TCSANOW, person.modes)
    person.copy_size(ours)
    return ours, theirs


def enter_terminal(handle: int) -> None:
    """Make a terminal the one of this process, in a session of its own."""
    os.setsid()
    fcntl.ioctl(handle, termios.TIOCSCTTY, 0)

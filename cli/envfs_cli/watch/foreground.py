"""The terminal's foreground: lent to a child's process group, so that keys reach the child and it may read them.

Law: what was lent is taken back before anybody else is to have it. A process in the background must not be stopped for
that, so whoever lends ignores SIGTTOU.
"""

import os
import termios


class Foreground:
    """The terminal at standard input, if there is one and it is this process's to lend."""

    def __init__(self) -> None:
        """Look what there is."""
        try:
            os.tcgetpgrp(0)
            self._modes: list[int | list[bytes | int]] | None = termios.tcgetattr(0)
        except (OSError, termios.error):
            self._modes = None

    def is_of(self, group: int) -> bool:
        """Tell whether a process group has the terminal."""
        try:
            return self._modes is not None and os.tcgetpgrp(0) == group
        except OSError:
            return False

    def give(self, group: int) -> None:
        """Lend the terminal to a process group, if it is in the hands of this one."""
        if self.is_of(os.getpgrp()):
            _set(group)

    def take(self, group: int) -> None:
        """Take the terminal back from a process group, if that has it."""
        if self.is_of(group):
            _set(os.getpgrp())

    def restore_modes(self) -> None:
        """Put the terminal's modes back to what they were, after somebody who had changed them was ended."""
        if self._modes is not None and self.is_of(os.getpgrp()):
            termios.tcsetattr(0, termios.TCSADRAIN, self._modes)


def _set(group: int) -> None:
    try:
        os.tcsetpgrp(0, group)
    except OSError:
        return  # the group is gone, or the terminal

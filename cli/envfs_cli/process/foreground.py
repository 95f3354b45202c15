"""The terminal's foreground: lent to a child's process group, so that keys reach the child and it may read them.

Law: what was lent is taken back before anybody else is to have it. A process in the background must not be stopped for
that, so whoever lends ignores SIGTTOU.
"""

import os
import termios


class Foreground:
    """The terminal at a descriptor (standard input), if there is one and it is this process's to lend."""

    def __init__(self, terminal: int = 0) -> None:
        """Look what there is."""
        self._terminal = terminal
        try:
            os.tcgetpgrp(terminal)
            self._modes: list[int | list[bytes | int]] | None = termios.tcgetattr(terminal)
        except (OSError, termios.error):
            self._modes = None

    def is_of(self, group: int) -> bool:
        """Tell whether a process group has the terminal."""
        try:
            return self._modes is not None and os.tcgetpgrp(self._terminal) == group
        except OSError:
            return False

    def give(self, group: int) -> None:
        """Lend the terminal to a process group, if it is in the hands of this one."""
        if self.is_of(os.getpgrp()):
            self._set(group)

    def take(self, group: int) -> None:
        """Take the terminal back from a process group, if that has it."""
        if self.is_of(group):
            self._set(os.getpgrp())

    def restore_modes(self) -> None:
        """Put the terminal's modes back to what they were, after somebody who had changed them was ended."""
        if self._modes is not None and self.is_of(os.getpgrp()):
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._modes)

    def pass_on(self, group: int) -> None:
        """Hand the terminal to a process group, whichever has it."""
        if self._modes is not None:
            self._set(group)

    def _set(self, group: int) -> None:
        try:
            os.tcsetpgrp(self._terminal, group)
        except OSError:
            return  # the group is gone, or the terminal

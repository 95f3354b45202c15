"""The end of the shell by a signal: the terminal is put back, what the shell keeps is let go, and the signal acts."""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """A signal came that ends a process."""

    def __init__(self, number: int) -> None:
        """Remember which."""
        super().__init__(number)
        self.number = number


def end_by(number: int) -> "NoReturn":
    """End this process as the signal does, so that its parent learns of it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise AssertionError("a signal at its default ends the process")

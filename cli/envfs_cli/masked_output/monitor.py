"""The process between this one and a command that has a terminal of its own.

Stop signals of a terminal do nothing to a process group whose parents all are in other sessions (termios(3), "orphaned
process group"). So the leader of the new session waits for the command, says that it stopped, and makes it go on.
"""

import os
import signal

from envfs_cli.masked_output.terminal import enter_terminal
from envfs_cli.process import forking
from envfs_cli.process.child import be_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED = b"s"
_STATUS_BYTES = 4


def monitor_command(terminal: int, says: int, hears: int, become: "Callable[[], int]") -> int:
    """Start a command in the foreground of a terminal. Write to `says` how it fares, go on when `hears` says so."""
    enter_terminal(terminal)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    held, go = os.pipe()  # the command begins when it has the terminal
    command = forking.fork()
    if command == 0:
        os.close(go)
        os.setpgid(0, 0)
        os.read(held, 1)
        signal.signal(signal.SIGTTOU, before)
        be_child(become)
    os.close(held)
    _set_group(command)
    os.tcsetpgrp(terminal, command)
    os.write(says, command.to_bytes(_STATUS_BYTES, "little"))
    os.close(go)
    while True:
        _, status = os.waitpid(command, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            os.write(says, b"e" + status.to_bytes(_STATUS_BYTES, "little"))
            return 0
        os.write(says, STOPPED)
        os.read(hears, 1)
        os.killpg(command, signal.SIGCONT)


def _set_group(command: int) -> None:
    try:
        os.setpgid(command, command)
    except OSError:  # it did so itself
        return


class MonitorReport:
    """The words of the monitor: the command's process group, that it stopped, its status."""

    def __init__(self, handle: int) -> None:
        """Wait for the group."""
        self._handle = handle
        self.group = int.from_bytes(os.read(handle, _STATUS_BYTES), "little")

    def next(self) -> "int | None":
        """Return the status of the command (waitpid(2)), or None if it stopped."""
        word = os.read(self._handle, 1)
        if word == STOPPED:
            return None
        status = os.read(self._handle, _STATUS_BYTES) if word else b""
        return int.from_bytes(status, "little") if status else signal.SIGKILL

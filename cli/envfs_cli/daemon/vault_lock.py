"""The lock of a home's daemon, as the client takes it: to hand it on, or to see whether somebody is at work."""

import fcntl
import os

from envfs import safe_open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from envfs.locations import Locations


class VaultLock:
    """The lock of the daemon of a home, to be looked at or handed on. Of a vault of one's own, or there is none."""

    def __init__(self, mine: "Locations") -> None:
        """Open the lock's file. `handle` is -1 if there is none to be had."""
        self.handle = -1
        try:
            if os.stat(mine.vault).st_uid == os.geteuid():
                os.makedirs(mine.state, 0o700, exist_ok=True)
                self.handle = safe_open.open_file(mine.lock, os.O_RDWR | os.O_CREAT)
        except OSError:
            return  # the daemon says what is wrong with it

    def take(self) -> bool:
        """Take the lock. False if another process has it."""
        if self.handle < 0:
            return True
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> "Self":
        """Keep it for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back, unless it was handed on."""
        if self.handle >= 0:
            os.close(self.handle)

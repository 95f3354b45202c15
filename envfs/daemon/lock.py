"""One daemon a home: a lock that the kernel takes away from the dead."""

import fcntl
import os
import time
from pathlib import Path

from envfs import safe_open
from envfs.errors import Conflict
from envfs.host import files

_STEP = 0.05


class DaemonLock:
    """The lock on `path`; closing it, or ending, gives it back."""

    def __init__(self, path: Path, seconds: float) -> None:
        """Take the lock, waiting up to `seconds` for another process that works here.

        Raises:
            Conflict: another process keeps it
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle = safe_open.open_file(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise files.cannot_write(path, error) from None
        until = time.monotonic() + seconds
        while not self._try():
            if time.monotonic() >= until:
                os.close(self._handle)
                raise Conflict("another envfs process is at work here", "`envfs status` shows it")
            time.sleep(_STEP)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._handle)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

"""One daemon a home: a lock that the kernel takes away from the dead."""

import fcntl
import os
import time
from pathlib import Path

from envfs import safe_open
from envfs.errors import Conflict
from envfs.host import private_files

_STEP = 0.05


class DaemonLock:
    """The lock on `path`. Closing it, or ending, gives it back."""

    def __init__(self, handle: int) -> None:
        """Keep the lock that `handle` has, from a process that took it and leaves it to this one."""
        os.set_inheritable(handle, False)
        self._handle = handle

    @classmethod
    def taken(cls, path: Path, seconds: float) -> "DaemonLock":
        """Take the lock, waiting up to `seconds` for another process that works here.

        Raises:
            Conflict: another process keeps it
            StoreUnavailable: its file cannot be used
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = safe_open.open_file(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise private_files.cannot_write(path, error) from None
        until = time.monotonic() + seconds
        while not _try(handle):
            if time.monotonic() >= until:
                os.close(handle)
                raise Conflict("another envfs process is at work here", "`envfs status` shows it")
            time.sleep(_STEP)
        return cls(handle)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._handle)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

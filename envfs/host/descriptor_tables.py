"""A table of descriptors for one thread alone. Source: close_range(2), unshare(2)."""

import contextlib
import os
from collections.abc import Iterable

from envfs.host.libc import LIBC

_CLOSE_RANGE, _UNSHARE, _CLONE_FILES = 436, 2, 0x400  # the number is the same on every machine
_LAST = 0xFFFFFFFF


def keep_alone(*descriptors: int) -> bool:
    """Give this thread a table of its own with these descriptors and no other. False if the kernel does not.

    The thread must end after that, and start no other one.
    """
    above = max(descriptors) + 1
    if LIBC.syscall(_CLOSE_RANGE, above, _LAST, _UNSHARE) and LIBC.unshare(_CLONE_FILES):
        return False
    begin = 0
    for descriptor in sorted(descriptors):
        os.closerange(begin, descriptor)
        begin = descriptor + 1
    os.closerange(above, os.sysconf("SC_OPEN_MAX"))  # where the table came by unshare(2)
    return True


def close_in_table(descriptors: Iterable[int]) -> None:
    """Close descriptors. Each may wait for its file system."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)

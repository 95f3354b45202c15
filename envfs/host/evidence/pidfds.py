"""Pidfds: handles of processes, and their inodes (pidfd_open(2)).

The inode is one number for one process, never given again while the machine runs. Since Linux 6.9 pidfds have a file
system of their own. Before that all of them had one inode in common, as all event descriptors still have.
"""

import functools
import os
import select


def pidfd_inode(process: int) -> int:
    """Return the number of a process, by its process id. 0 if it cannot be had."""
    try:
        handle = os.pidfd_open(process)
    except OSError:
        return 0
    try:
        return inode_of(handle)
    finally:
        os.close(handle)


def inode_of(pidfd: int) -> int:
    """Return the number of the process that a pidfd is of. 0 if it cannot be had."""
    status = os.fstat(pidfd)
    return 0 if status.st_dev == _shared_device() else status.st_ino


def has_exited(pidfd: int) -> bool:
    """Tell whether all threads of the process have ended, also while nobody has asked for its status."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


@functools.cache
def _shared_device() -> int:
    handle = os.eventfd(0, os.EFD_CLOEXEC)
    try:
        return os.fstat(handle).st_dev
    finally:
        os.close(handle)

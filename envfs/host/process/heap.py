"""The heap of the C library: one for all threads of this process, and none of the large pieces in it.

glibc gives threads heaps of their own, so that they need not wait for each other, and keeps what was freed in each. Of
Python's threads one runs at a time. A large piece that was freed once has glibc take the next ones from the heap, which
stays as large as it was then. So the bounds are set, as they are at the start of a process.
"""

from envfs.host.libc import LIBC

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of malloc.h
_LARGE = 128 << 10


def share_heap() -> None:
    """Have threads that come allocate where this one does. Other C libraries have no such settings."""
    mallopt = getattr(LIBC, "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, 2 * _LARGE)

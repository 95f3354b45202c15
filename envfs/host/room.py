"""Limits of a process: a low one is reported at the start, and not at the first file that cannot be opened.

A limit on memory is checked before trio is loaded: its loop does not survive that memory ends in the middle of it, and
waits for ever then. The memory for a passphrase is checked before the work begins: the library that does the work ends
the process where it gets none.
"""

import mmap
import resource
from typing import NamedTuple

from envfs.errors import MountFailed


class Least(NamedTuple):
    """The least of a limit, and how `ulimit` sets it. One that `is_raised` is raised to what may be."""

    limit: int
    least: int
    resource_name: str
    option: str
    unit: int
    is_raised: bool

    @property
    def given(self) -> int:
        """The limit of this process, or RLIM_INFINITY."""
        return resource.getrlimit(self.limit)[0]

    def advice(self, least: int) -> str:
        """Return the hint that raises the limit."""
        return f"raise it, in the shell with `ulimit {self.option} {least // self.unit}`, {_UNDER_SYSTEMD}"


_UNDER_SYSTEMD = "under systemd with a Limit… setting"
_MIB = 1 << 20
_SPARE = 4 << 20  # what a library takes beside the bytes that it is known to take
_LEAST = (
    Least(resource.RLIMIT_NOFILE, 32, "open files", "-n", 1, is_raised=True),
    Least(resource.RLIMIT_FSIZE, 64 << 20, "the size of a file", "-f", 1024, is_raised=True),
    Least(resource.RLIMIT_DATA, 48 << 20, "memory", "-d", 1024, is_raised=False),  # 34 MiB serve a small vault
    Least(resource.RLIMIT_AS, 96 << 20, "memory", "-v", 1024, is_raised=False),  # 52 MiB
)


def check_limits() -> None:
    """Raise a limit that may be raised, and say which one is too low for the work.

    Raises:
        MountFailed: one is
    """
    for each in _LEAST:
        limit, least, unit = each.limit, each.least, each.unit
        given, hard = resource.getrlimit(limit)
        if each.is_raised and given != hard:
            resource.setrlimit(limit, (hard, hard))
            given = hard
        if given != resource.RLIM_INFINITY and given < least:
            needed = f"{given // unit}, and at least {least // unit} are needed"
            raise MountFailed(f"the limit on {each.resource_name} is too low: {needed}", each.advice(least))


def check_memory(size: int, purpose: str) -> None:
    """Check that this process can have `size` bytes more, before a library asks for them.

    Raises:
        MountFailed: it cannot, and which limit is in the way
    """
    try:
        mmap.mmap(-1, size + _SPARE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        raise too_little_memory(f"{purpose} takes {size // _MIB} MiB of memory", size) from None


def too_little_memory(need: str, size: int = 0) -> MountFailed:
    """Return the error that tells what is needed and what there is, with a hint that gives room for `size` bytes."""
    limit = memory_limit()
    if limit is None:
        return MountFailed(f"{need}, and this machine has no more", "end other programs, and try again")
    return MountFailed(
        f"{need}, and the limit on memory is {limit.given // _MIB} MiB", limit.advice(limit.given + size)
    )


def memory_limit() -> Least | None:
    """Return the limit on memory that this process is under, the lower one of two. None if there is none."""
    limits = [each for each in _LEAST if each.resource_name == "memory" and each.given != resource.RLIM_INFINITY]
    return min(limits, key=lambda each: each.given - each.least, default=None)

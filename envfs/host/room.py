"""Limits of a process: a low one is reported at the start, and not at the first file that cannot be opened.

A limit on memory is checked before trio is loaded: its loop does not survive that memory ends in the middle of it, and
waits for ever then.
"""

import resource
from typing import NamedTuple

from envfs.errors import MountFailed


class _Least(NamedTuple):
    """The least of a limit, and how `ulimit` sets it. One that `is_raised` is raised to what may be."""

    limit: int
    least: int
    resource_name: str
    option: str
    unit: int
    is_raised: bool


_LEAST = (
    _Least(resource.RLIMIT_NOFILE, 32, "open files", "-n", 1, is_raised=True),
    _Least(resource.RLIMIT_FSIZE, 64 << 20, "the size of a file", "-f", 1024, is_raised=True),
    _Least(resource.RLIMIT_DATA, 48 << 20, "memory", "-d", 1024, is_raised=False),  # 34 MiB serve a small vault
    _Least(resource.RLIMIT_AS, 96 << 20, "memory", "-v", 1024, is_raised=False),  # 52 MiB
)


def check_limits() -> None:
    """Raise a limit that may be raised, and say which one is too low for the work.

    Raises:
        MountFailed: one is
    """
    for limit, least, resource_name, option, unit, is_raised in _LEAST:
        given, hard = resource.getrlimit(limit)
        if is_raised and given != hard:
            resource.setrlimit(limit, (hard, hard))
            given = hard
        if given != resource.RLIM_INFINITY and given < least:
            raise MountFailed(
                f"the limit on {resource_name} is too low: {given // unit}, and at least {least // unit} are needed",
                f"raise it, in the shell with `ulimit {option} {least // unit}`, under systemd with a Limit… setting",
            )

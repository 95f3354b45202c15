"""Whether 65534 is a user here, or how the kernel shows a user that has no number here (user_namespaces(7))."""

from functools import cache
from pathlib import Path

UNMAPPED = 65534
_ALL_UIDS = (1 << 32) - 1  # the last number, -1, is no uid


def stands_for_others(uid: int) -> bool:
    """Tell whether `uid` may be any user without a number in this user namespace, and so nobody in particular.

    Only a namespace that maps every uid, such as the first one, has no such users. Elsewhere 65534 stays ambiguous,
    also where it is mapped itself.
    """
    return uid == UNMAPPED and not _maps_every_uid()


@cache
def _maps_every_uid() -> bool:
    try:
        text = Path("/proc/self/uid_map").read_text(encoding="ascii")
    except OSError:
        return False
    return covers_every_uid(text)


def covers_every_uid(uid_map: str) -> bool:
    """Tell whether the lines of a `uid_map` (first, first outside, count) leave no uid out."""
    return sum(int(line.split()[2]) for line in uid_map.splitlines()) >= _ALL_UIDS

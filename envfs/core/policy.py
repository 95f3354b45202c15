"""Who may read what: grants in, a verdict out (docs/design.md §6).

Laws: the default is deny; uid 0 gets nothing for being root; a caller that could not be identified gets nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple

from envfs.core import names


class Caller(NamedTuple):
    """Who asks, as the kernel tells it. `pid` 0 or a `doubt` means that the caller could not be identified."""

    uid: int
    gid: int
    pid: int
    executable: str = ""
    cgroup: str = ""
    started: int = 0
    doubt: str = ""


class Moment(NamedTuple):
    """Now, as grants count: which run of the machine, seconds into it, and the wall clock for grants of another run."""

    boot: str
    seconds: float
    wall: str


class Grant(NamedTuple):
    """A uid may read `level` and all below it, until an end or for ever (`until` empty).

    The end is `boot_until` seconds into the run of the machine called `boot`; in another run, the wall clock's `until`.
    """

    level: str
    uid: int
    until: str = ""
    boot: str = ""
    boot_until: float = 0.0


class Verdict(NamedTuple):
    """What was decided (`allow` or `deny`) and by which rule."""

    decision: str
    rule: str


def ended(grant: Grant, now: Moment) -> bool:
    """Tell whether a grant has run out."""
    if not grant.until:
        return False
    if grant.boot == now.boot:
        return now.seconds >= grant.boot_until
    return now.wall >= grant.until


class Policy:
    """The grants of one settings file, ready to be asked."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        """Index the grants by uid."""
        self.grants = tuple(grants)
        self._by_uid: dict[int, list[Grant]] = {}
        for grant in self.grants:
            self._by_uid.setdefault(grant.uid, []).append(grant)

    def decide(self, caller: Caller, level: str, now: Moment) -> Verdict:
        """Decide whether a caller may read the view of a level."""
        if caller.doubt:
            return Verdict("deny", f"unknown caller: {caller.doubt}")
        for grant in self._by_uid.get(caller.uid, ()):
            if names.within(level, grant.level) and not ended(grant, now):
                return Verdict("allow", f"uid {grant.uid} {grant.level}")
        return Verdict("deny", "no grant")

    def sees(self, uid: int, level: str, now: Moment) -> bool:
        """Tell whether a uid may know that a level exists: it may read there, below, or above."""
        return any(
            (names.within(level, grant.level) or names.within(grant.level, level)) and not ended(grant, now)
            for grant in self._by_uid.get(uid, ())
        )

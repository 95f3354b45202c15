"""Access: grants in, a verdict out (docs/design.md §6).

Laws: the default is deny. Uid 0 gets nothing for being root. A caller that could not be identified gets nothing.
"""

import math
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from envfs.core import names

MOST_LISTERS = 507  # uids of one folder's access list: with more, Linux refuses the folder to everybody


class Caller(NamedTuple):
    """The caller, as the kernel reports it. `pid` 0 or a `doubt` means that the caller could not be identified.

    Callers are made in one place, `host.callers`, and every decision takes one. `executable` and `cgroup` are
    paths, the second one of version 2 (cgroups(7)).
    """

    uid: int
    gid: int
    pid: int
    executable: str = ""
    cgroup: str = ""
    doubt: str = ""

    @property
    def unknown(self) -> str:
        """Why the caller counts as unidentified. Empty for one that was identified."""
        return self.doubt or ("no process" if self.pid <= 0 else "")

    def is_user(self, uid: int) -> bool:
        """Tell whether the caller was identified, and as this user."""
        return self.uid == uid and not self.unknown


class Moment(NamedTuple):
    """Now, as grants count it: the run of the machine, the seconds since its boot, and the wall clock.

    `boot` is the kernel's boot id (a UUID), `wall` is UTC to the microsecond (RFC 3339). `wall` counts for grants that
    were given in another run.
    """

    boot: str
    seconds: float
    wall: str


class Grant(NamedTuple):
    """A uid may read `level` and all below it, until an end or for ever (`until` empty).

    The end is `boot_until` seconds into the run of the machine called `boot`. In another run, the wall clock's `until`.
    The dotenv texts that it gets are in `dialect`. Empty for what the levels ask for.
    """

    level: str
    uid: int
    until: str = ""
    boot: str = ""
    boot_until: float = 0.0
    dialect: str = ""


class Decision(StrEnum):
    """Whether a caller may have what it asks for."""

    ALLOW = "allow"
    DENY = "deny"


class Verdict(NamedTuple):
    """A decision, the rule behind it, and the dialect of the texts for this caller."""

    decision: Decision
    rule: str
    dialect: str = ""


_NO_GRANT = Verdict(Decision.DENY, "no grant")


def end(grant: Grant, now: Moment) -> float:
    """Return when a grant ends, in seconds of this run of the machine. Infinity for one without end."""
    if not grant.until:
        return math.inf
    if grant.boot == now.boot:
        return grant.boot_until
    try:
        left = datetime.fromisoformat(grant.until) - datetime.fromisoformat(now.wall)
    except (ValueError, TypeError):
        return -math.inf  # an end that cannot be read has come
    return now.seconds + left.total_seconds()


class _Rule(NamedTuple):
    """A grant made ready: the verdict that it gives, and its end in seconds of this run of the machine."""

    level: str
    until: float
    verdict: Verdict


class Policy:
    """The grants of one settings file, ready to be asked. `seconds` are those of this run of the machine."""

    def __init__(self, grants: Iterable[Grant], now: Moment) -> None:
        """Index the grants by uid, the lowest levels' first. Ends from another run are placed in this one, once."""
        self._by_uid: dict[int, list[_Rule]] = {}
        for grant in sorted(grants, key=lambda grant: -len(names.chain(grant.level))):
            verdict = Verdict(Decision.ALLOW, f"uid {grant.uid} {grant.level}", grant.dialect)
            rule = _Rule(grant.level, end(grant, now), verdict)
            self._by_uid.setdefault(grant.uid, []).append(rule)

    def decide(self, caller: Caller, level: str, seconds: float) -> Verdict:
        """Decide whether a caller may read the view of a level. Of several grants, the nearest counts."""
        if caller.doubt or caller.pid <= 0:
            return Verdict(Decision.DENY, f"unknown caller: {caller.unknown}")
        for rule in self._by_uid.get(caller.uid, ()):
            if names.within(level, rule.level) and seconds < rule.until:
                return rule.verdict
        return _NO_GRANT

    def sees(self, caller: Caller, level: str, seconds: float) -> bool:
        """Tell whether a caller may know that a level exists: it may read there, below, or above."""
        if caller.doubt or caller.pid <= 0:
            return False
        for rule in self._by_uid.get(caller.uid, ()):
            if seconds < rule.until and (names.within(level, rule.level) or names.within(rule.level, level)):
                return True
        return False

    def grants(self, caller: Caller, seconds: float) -> int:
        """Return how many grants a caller has."""
        return 0 if caller.unknown else sum(seconds < rule.until for rule in self._by_uid.get(caller.uid, ()))

    def uids(self, seconds: float, level: str = "") -> tuple[int, ...]:
        """List the uids that have a grant. With a level, those that may read its view."""
        return tuple(
            uid
            for uid, rules in self._by_uid.items()
            if any(seconds < rule.until and (not level or names.within(level, rule.level)) for rule in rules)
        )

    def next_end(self, seconds: float) -> float:
        """Return when the next grant ends, in seconds of this run of the machine. Infinity if none does."""
        ends = (rule.until for rules in self._by_uid.values() for rule in rules if rule.until > seconds)
        return min(ends, default=math.inf)

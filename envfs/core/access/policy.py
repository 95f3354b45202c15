"""The policy: rules in, a verdict out.

Laws: the default is deny. Uid 0 gets nothing for being root. A caller that could not be identified gets nothing.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.rule import Moment, Rule, end
from envfs.core.access.verdict import Decision, Verdict

MOST_LISTERS = 507  # uids of one folder's access list: with more, Linux refuses the folder to everybody
_NO_GRANT = Verdict(Decision.DENY, "no grant")


def face(rule: Rule) -> Face:
    """Return the face that a rule shows."""
    return Face(rule.dialect, rule.decision is Decision.MASK, rule.only)


class _Entry(NamedTuple):
    """A rule made ready: the verdict that it gives, and its end in seconds of this run of the machine."""

    level: str
    until: float
    verdict: Verdict


class Policy:
    """The rules of one machine, ready to be asked. `seconds` are those of this run of the machine."""

    def __init__(self, rules: Iterable[Rule], now: Moment) -> None:
        """Index the rules by uid, the lowest levels' first. Ends from another run are placed in this one, once."""
        self._by_uid: dict[int, list[_Entry]] = {}
        for rule in sorted(rules, key=lambda rule: -len(names.chain(rule.level))):
            if rule.uid is not None:
                verdict = Verdict(rule.decision, f"uid {rule.uid} {rule.level}", face(rule))
                self._by_uid.setdefault(rule.uid, []).append(_Entry(rule.level, end(rule, now), verdict))

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
        """Return how many rules a caller has."""
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

"""The rules that count for one caller at one level, and the verdict that they come to.

Laws: of several rules that are as specific, the strictest decision counts (deny, ask, mask, allow). A person's yes
gives what they come to once those that ask allow. A rule in doubt lets nobody in: it counts as far as it is stricter
than what is decided without it.
"""

import math
from typing import NamedTuple

from envfs.core.access import conditions
from envfs.core.access.evidence import Need
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Rule, end, who
from envfs.core.access.verdict import Decision, Verdict

_NO_GRANT = Verdict(Decision.DENY, "no grant")
_READ, _DENY = Capability.READ, Decision.DENY  # looked up once: through its class a member costs 50 ns (Python 3.11)
_STRICTNESS = {Decision.ALLOW: 0, Decision.MASK: 1, Decision.ASK: 2, Decision.DENY: 3}


def face(rule: Rule) -> Face:
    """Return the face that a rule shows."""
    return Face(rule.dialect, rule.decision is Decision.MASK, rule.only)


class IndexedRule(NamedTuple):
    """A rule made ready: how specific it is, its end in seconds of this run of the machine, and what it needs."""

    rule: Rule
    rank: tuple[int, ...]
    until: float
    needs: frozenset[Need]
    verdict: Verdict

    def denies(self, capability: Capability) -> bool:
        """Tell whether the rule keeps a caller that meets it from something."""
        return self.rule.decision is _DENY and capability in self.rule.can


def index_rule(rule: Rule, now: Moment) -> IndexedRule:
    """Make a rule ready. Its end is placed in the run of the machine that `now` is in."""
    verdict = Verdict(rule.decision, f"{rule.key} {who(rule)} {rule.level}", face(rule))
    return IndexedRule(rule, rank(rule), end(rule, now), conditions.needs(rule), verdict)


def rank(rule: Rule) -> tuple[int, ...]:
    """Return how much a rule says about its callers. Of two of one level, the greater one counts."""
    programs = (0 if pin is None else 1 + bool(pin.sha256) for pin in (rule.exe, rule.script, rule.under))
    groups = bool(rule.cgroup) + bool(rule.unit)
    return (bool(rule.token), *programs, groups, rule.uid is not None, rule.gid is not None)


class Resolution(NamedTuple):
    """The rules that count for one caller at one level: those that decide, those that deny, and those in doubt.

    It is the same for every identified caller of one kind and cgroup until `until`, in seconds of this run of the
    machine. In the past if a rule had to be held against more of the caller, which another one may not show.
    """

    deciding: list[IndexedRule]
    denying: list[IndexedRule]
    doubtful: list[IndexedRule]
    until: float = -math.inf

    def capabilities(self) -> frozenset[Capability]:
        """Return what the caller can do there in any way, masked and asked for included."""
        can: frozenset[Capability] = frozenset().union(*(entry.rule.can for entry in self.deciding))
        for entry in (*self.denying, *self.doubtful):
            can = can - entry.rule.can if entry.rule.decision is _DENY else can & entry.rule.can
        return can

    def doubtful_faces(self) -> frozenset[Face]:
        """Return the faces that the caller gets if rules in doubt are met."""
        giving = (entry for entry in self.doubtful if entry.rule.decision is not _DENY and _READ in entry.rule.can)
        return frozenset(entry.verdict.face for entry in giving)


def judge(rules: Resolution, capability: Capability) -> Verdict:
    """Return what these rules come to for something that the caller wants to do."""
    deciding, denying, doubtful, _ = rules
    for entry in denying:
        if capability in entry.rule.can:
            return entry.verdict
    giving = [entry for entry in deciding if capability in entry.rule.can]
    if not giving:
        return _without(deciding, capability)
    verdict = giving[0].verdict if len(giving) == 1 else _together(giving)
    return _limited(verdict, doubtful, capability) if doubtful else verdict


def _without(deciding: list[IndexedRule], capability: Capability) -> Verdict:
    return Verdict(_DENY, f"{deciding[0].verdict.rule}: not {capability}") if deciding else _NO_GRANT


def _together(giving: list[IndexedRule]) -> Verdict:
    # as specific as each other: the strictest decision. A yes makes a rule that asks one that allows, and no more: the
    # face is that of the strictest of what is left then, and has all names that any of these rules shows
    strictest = max(giving, key=lambda entry: _STRICTNESS[entry.rule.decision])
    masking = [entry for entry in giving if entry.rule.decision is Decision.MASK]
    showing = masking or giving
    shows_all = any(not entry.rule.only for entry in showing)
    only = () if shows_all else tuple(sorted({glob for entry in showing for glob in entry.rule.only}))
    dialect = min((entry.rule.dialect for entry in showing if entry.rule.dialect), default="")
    return strictest.verdict._replace(face=Face(dialect, bool(masking), only))


def _limited(verdict: Verdict, doubtful: list[IndexedRule], capability: Capability) -> Verdict:
    # whether or not a rule in doubt is met, the caller gets no more than this
    for entry in doubtful:
        rule = entry.rule
        if rule.decision is _DENY and capability not in rule.can:
            continue
        differs = bool(rule.only) and verdict.face.only not in ((), rule.only)
        if capability not in rule.can or differs:
            return Verdict(_DENY, f"{entry.verdict.rule} (in doubt)")
        if rule.decision is Decision.MASK:  # after a person's yes as well
            verdict = verdict._replace(face=verdict.face._replace(masked=True))
        if _STRICTNESS[rule.decision] > _STRICTNESS[verdict.decision]:
            verdict = Verdict(rule.decision, f"{entry.verdict.rule} (in doubt)", verdict.face)
        if rule.only:
            verdict = verdict._replace(face=verdict.face._replace(only=rule.only))
    return verdict

"""The policy: rules in, a verdict out.

Laws: the default is deny. Uid 0 gets nothing for being root. A caller that could not be identified gets nothing, but by
a token. The most specific rules decide: those of the deepest level, and among them those that name the most about a
caller. Of several that are as specific, the strictest decision counts (deny, ask, mask, allow). A person's yes gives
what they come to once those that ask allow. The order of rules never matters. A rule in doubt lets nobody in: it counts
as far as it is stricter than what is decided without it. An answer is remembered only if nothing but the question and
the rules led to it, and until the first end of one of these rules.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from envfs.core import names
from envfs.core.access import conditions
from envfs.core.access.caller import Caller
from envfs.core.access.conditions import NoUses, Uses
from envfs.core.access.evidence import Need
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Rule, RuleProcess, end, who
from envfs.core.access.verdict import Decision, Verdict

MOST_LISTERS = 507  # uids and gids of one folder's access list: with more, Linux refuses the folder to everybody
_MOST_CALLERS = 512  # whose rules are remembered, a level
_NO_GRANT = Verdict(Decision.DENY, "no grant")
_READ = Capability.READ
_ALLOW, _DENY = Decision.ALLOW, Decision.DENY  # looked up once: through its class a member costs 50 ns (Python 3.11)
_STRICTNESS = {Decision.ALLOW: 0, Decision.MASK: 1, Decision.ASK: 2, Decision.DENY: 3}
_MOST_REMEMBERED = 1024  # answers, which hold texts that callers chose
_Kind = tuple[int, str, str]  # of callers, as far as rules are looked up by it: uid, executable, token
_Question = tuple[int, str, str, str, str, Capability | None]  # uid, executable, cgroup, token, level, capability
_Answer = TypeVar("_Answer")


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


class _Level:
    """The rules of one level, by kind of caller: for most callers there are few of many."""

    def __init__(self) -> None:
        self.entries: list[IndexedRule] = []
        self._of_kind: dict[_Kind, list[IndexedRule]] = {}

    def entries_for(self, kind: _Kind) -> list[IndexedRule]:
        """Return the rules that may be met by a kind of callers, the most specific first."""
        entries = self._of_kind.get(kind)
        if entries is None:
            if len(self._of_kind) >= _MOST_CALLERS:
                self._of_kind.clear()
            chosen = [entry for entry in self.entries if _may_concern(entry.rule, kind)]
            entries = self._of_kind[kind] = sorted(chosen, key=lambda entry: entry.rank, reverse=True)
        return entries


class Listers(NamedTuple):
    """The users and groups that may list a folder, as far as the kernel can check that."""

    uids: tuple[int, ...] = ()
    gids: tuple[int, ...] = ()


class Policy:
    """The rules of one machine, ready to be asked. `seconds` are those of this run of the machine."""

    def __init__(
        self,
        rules: Iterable[Rule],
        now: Moment,
        uses: Uses | None = None,
        lives: Callable[[RuleProcess], bool] = lambda _process: False,
    ) -> None:
        """Index the rules by level. Ends from another run are placed in this one, once.

        `lives` tells of the process with which a rule ends whether it is there, each time that the rule could count.
        """
        self._uses = uses or NoUses()
        self._lives = lives
        self._levels: dict[str, _Level] = {}
        for rule in sorted(rules, key=lambda rule: rule.key):
            if rule.names_anybody:
                self._levels.setdefault(rule.level, _Level()).entries.append(_entry(rule, now))
        self._entries = [entry for level in self._levels.values() for entry in level.entries]
        self._counts = any(entry.rule.max_reads for entry in self._entries)
        self._levels_of: dict[_Kind, tuple[str, ...]] = {}
        self._verdicts: dict[_Question, tuple[Verdict, float]] = {}  # and until when each holds
        self._seen: dict[_Question, tuple[bool, float]] = {}

    def decide(self, caller: Caller, level: str, seconds: float, capability: Capability = _READ) -> Verdict:
        """Decide whether a caller may do something at a level."""
        uid, _, pid, executable, cgroup, doubt, _, token = caller
        if doubt or pid <= 0:
            if not token:
                return Verdict(_DENY, f"unknown caller: {caller.unknown}")
            return _judge(self.resolve(caller, level, seconds), capability)
        question = (uid, executable, cgroup, token, level, capability)
        remembered = self._verdicts.get(question)
        if remembered is not None and seconds < remembered[1]:
            return remembered[0]
        rules = self.resolve(caller, level, seconds)
        verdict = _judge(rules, capability)
        _remember(self._verdicts, question, (verdict, rules.until))
        return verdict

    def resolve(self, caller: Caller, level: str, seconds: float) -> Resolution:
        """Find the rules that count for an identified caller at a level."""
        deciding: list[IndexedRule] = []
        denying: list[IndexedRule] = []
        doubtful: list[IndexedRule] = []
        kind, step, until = (caller.uid, caller.executable, caller.token), level, math.inf
        while True:
            rules = self._levels.get(step)
            if rules is not None:
                for entry in rules.entries_for(kind):
                    if deciding and entry.rank != deciding[0].rank:
                        break
                    if seconds < entry.until:
                        is_fixed = not entry.needs and entry.rule.process is None
                        until = min(until, entry.until) if is_fixed else -math.inf
                        if not self.lasts(entry, seconds):
                            continue
                        is_met = conditions.meets(entry.rule, entry.needs, caller, self._uses)
                        if is_met is None:
                            doubtful.append(entry)
                        elif is_met:
                            (denying if entry.rule.decision is _DENY else deciding).append(entry)
            if deciding or step == names.ROOT:
                return Resolution(deciding, denying, doubtful, until)
            step = step[: step.rfind("/")] or names.ROOT

    def sees(self, caller: Caller, level: str, seconds: float) -> bool:
        """Tell whether a caller may know that a level exists: it can do something there, below, or above."""
        uid, _, pid, executable, cgroup, doubt, _, token = caller
        if doubt or pid <= 0:
            return bool(token) and self._sees(caller, level, seconds)[0]
        question = (uid, executable, cgroup, token, level, None)
        remembered = self._seen.get(question)
        if remembered is not None and seconds < remembered[1]:
            return remembered[0]
        answer = self._sees(caller, level, seconds)
        _remember(self._seen, question, answer)
        return answer[0]

    def _sees(self, caller: Caller, level: str, seconds: float) -> tuple[bool, float]:
        # and until when that is so
        until = math.inf
        below = (step for step in self._levels_for(caller) if step != level and names.within(step, level))
        for step in itertools.chain((level,), below):
            rules = self.resolve(caller, step, seconds)
            until = min(until, rules.until)
            if rules.capabilities():
                return True, until
        return False, until

    def can_anywhere(self, caller: Caller, capability: Capability, seconds: float) -> bool:
        """Tell whether a caller can do something at any level at all."""
        if (caller.doubt or caller.pid <= 0) and not caller.token:
            return False
        return any(
            capability in self.resolve(caller, step, seconds).capabilities() for step in self._levels_for(caller)
        )

    def levels_below(self, level: str) -> list[str]:
        """List a level and all below it that rules name."""
        return [level, *(step for step in self._levels if step != level and names.within(step, level))]

    def grants(self, caller: Caller, seconds: float) -> int:
        """Return how many rules let a caller do something."""
        if caller.unknown and not caller.token:
            return 0
        entries = (
            entry
            for step in self._levels_for(caller)
            for entry in self._levels[step].entries_for((caller.uid, caller.executable, caller.token))
        )
        return sum(
            self.lasts(entry, seconds)
            and entry.rule.decision is not _DENY
            and conditions.meets(entry.rule, entry.needs, caller, self._uses) is True
            for entry in entries
        )

    def counted(self, caller: Caller, level: str, seconds: float) -> list[Rule]:
        """Return the rules that let so many processes read, and by which this caller reads now."""
        if not self._counts:
            return []
        deciding = self.resolve(caller, level, seconds).deciding
        return [entry.rule for entry in deciding if entry.rule.max_reads and _READ in entry.rule.can]

    def listers(self, seconds: float, level: str = "") -> Listers:
        """List the users and groups that may know of names, whatever program they run. With a level, of its names."""
        plain = [entry for entry in self._entries if seconds < entry.until and not entry.rule.names_program]
        by_uid = [(entry.rule.uid, entry) for entry in plain if entry.rule.gid is None]
        by_gid = [(entry.rule.gid, entry) for entry in plain if entry.rule.uid is None]
        return Listers(_open_to(by_uid, level), _open_to(by_gid, level))

    def has_token(self, token: str, seconds: float) -> bool:
        """Tell whether a rule is for the bearer of a token, by its SHA-256 in hex."""
        return bool(self.token_id(token, seconds))

    def token_id(self, token: str, seconds: float) -> str:
        """Return the id of the rule that is for the bearer of a token, by its SHA-256 in hex. Empty for none."""
        rules = (entry.rule for entry in self._entries if entry.rule.token == token and self.lasts(entry, seconds))
        return next((rule.key for rule in rules), "")

    def lasts(self, entry: IndexedRule, seconds: float) -> bool:
        """Tell whether a rule has not ended."""
        return seconds < entry.until and (entry.rule.process is None or self._lives(entry.rule.process))

    def next_end(self, seconds: float) -> float:
        """Return when the next rule ends, in seconds of this run of the machine. Infinity if none does."""
        return min((entry.until for entry in self._entries if entry.until > seconds), default=math.inf)

    def entries(self, level: str) -> Iterator[IndexedRule]:
        """Iterate over the rules of a level and of those above it, the most specific first."""
        for step in reversed(names.chain(level)):
            if step in self._levels:
                yield from sorted(self._levels[step].entries, key=lambda entry: entry.rank, reverse=True)

    def meets(self, entry: IndexedRule, caller: Caller) -> bool | None:
        """Tell whether a caller meets a rule. None: that cannot be told."""
        return conditions.meets(entry.rule, entry.needs, caller, self._uses)

    def _levels_for(self, caller: Caller) -> tuple[str, ...]:
        kind = (caller.uid, caller.executable, caller.token)
        steps = self._levels_of.get(kind)
        if steps is None:
            if len(self._levels_of) >= _MOST_CALLERS:
                self._levels_of.clear()
            steps = tuple(step for step, rules in self._levels.items() if rules.entries_for(kind))
            self._levels_of[kind] = steps
        return steps


def _remember(
    answers: dict[_Question, tuple[_Answer, float]], question: _Question, answer: tuple[_Answer, float]
) -> None:
    if answer[1] > -math.inf:
        if len(answers) >= _MOST_REMEMBERED:
            answers.clear()
        answers[question] = answer


def _open_to(numbered: Iterable[tuple[int | None, IndexedRule]], level: str) -> tuple[int, ...]:
    by_number: dict[int, list[Rule]] = {}
    for number, entry in numbered:
        if number is not None:
            by_number.setdefault(number, []).append(entry.rule)
    return tuple(sorted(number for number, rules in by_number.items() if _is_open(rules, level)))


def _is_open(rules: list[Rule], level: str) -> bool:
    # rules that are as specific as each other, but for their levels
    for step in [level] if level else {rule.level for rule in rules}:
        over = [rule for rule in rules if names.within(step, rule.level)]
        opening = [rule for rule in over if rule.decision is not _DENY and Capability.NAMES in rule.can]
        deepest = max((len(rule.level) for rule in opening), default=0)
        closing = (rule for rule in over if rule.decision is _DENY and len(rule.level) >= deepest)
        if opening and not any(Capability.NAMES in rule.can for rule in closing):
            return True
    return False


def _entry(rule: Rule, now: Moment) -> IndexedRule:
    verdict = Verdict(rule.decision, f"{rule.key} {who(rule)} {rule.level}", face(rule))
    return IndexedRule(rule, rank(rule), end(rule, now), conditions.needs(rule), verdict)


def rank(rule: Rule) -> tuple[int, ...]:
    """Return how much a rule says about its callers. Of two of one level, the greater one counts."""
    programs = (0 if pin is None else 1 + bool(pin.sha256) for pin in (rule.exe, rule.script, rule.under))
    groups = bool(rule.cgroup) + bool(rule.unit)
    return (bool(rule.token), *programs, groups, rule.uid is not None, rule.gid is not None)


def _may_concern(rule: Rule, kind: _Kind) -> bool:
    uid, executable, token = kind
    is_program = rule.exe is None or not executable or conditions.path_of(executable) == rule.exe.path
    # a token gives what its rule does, and nothing that its bearer has for another reason
    is_bearer = rule.token == token or (not rule.token and rule.decision is _DENY)
    return rule.uid in (None, uid) and is_bearer and is_program


def _judge(rules: Resolution, capability: Capability) -> Verdict:
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

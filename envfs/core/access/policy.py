"""The policy: rules in, a verdict out.

Laws: the default is deny. Uid 0 gets nothing for being root. A caller that could not be identified gets nothing, but by
a token. The most specific rules decide: those of the deepest level, and among them those that name the most about a
caller. `resolution` tells what several of them come to. The order of rules never matters. An answer is remembered
only if nothing but the question and the rules led to it, and until the first end of one of these rules.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from envfs.core import names
from envfs.core.access import conditions
from envfs.core.access.caller import Caller
from envfs.core.access.conditions import NoUses, Uses
from envfs.core.access.resolution import IndexedRule, Resolution, index_rule, judge
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Rule, RuleProcess
from envfs.core.access.verdict import Decision, Verdict

MOST_LISTERS = 507  # uids and gids of one folder's access list: with more, Linux refuses the folder to everybody
_MOST_CALLERS = 512  # whose rules are remembered, a level
_READ, _DENY = Capability.READ, Decision.DENY  # looked up once: through its class a member costs 50 ns (Python 3.11)
_MOST_REMEMBERED = 1024  # answers, which hold texts that callers chose
_Kind = tuple[int, str, str]  # of callers, as far as rules are looked up by it: uid, executable, token
_Question = tuple[int, str, str, str, str, Capability | None]  # uid, executable, cgroup, token, level, capability
_Answer = TypeVar("_Answer")


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
                self._levels.setdefault(rule.level, _Level()).entries.append(index_rule(rule, now))
        self._entries = [entry for level in self._levels.values() for entry in level.entries]
        self._counts = any(entry.rule.max_reads for entry in self._entries)
        self.names_users_alone = all(map(_names_user_alone, self._entries))  # one user's programs all get one answer
        self._levels_of: dict[_Kind, tuple[str, ...]] = {}
        self._verdicts: dict[_Question, tuple[Verdict, float]] = {}  # and until when each holds
        self._seen: dict[_Question, tuple[bool, float]] = {}

    def decide(self, caller: Caller, level: str, seconds: float, capability: Capability = _READ) -> Verdict:
        """Decide whether a caller may do something at a level."""
        uid, _, pid, executable, cgroup, doubt, _, token = caller
        if doubt or pid <= 0:
            if not token:
                return Verdict(_DENY, f"unknown caller: {caller.unknown}")
            return judge(self.resolve(caller, level, seconds), capability)
        question = (uid, executable, cgroup, token, level, capability)
        remembered = self._verdicts.get(question)
        if remembered is not None and seconds < remembered[1]:
            return remembered[0]
        rules = self.resolve(caller, level, seconds)
        verdict = judge(rules, capability)
        _remember(self._verdicts, question, (verdict, rules.until))
        return verdict

    def remembered(self, caller: Caller, level: str, capability: Capability) -> tuple[Verdict, float] | None:
        """Return the remembered answer of `decide`, and until when it holds. None if there is none.

        It is that of every identified caller of the same uid, executable, control group and token.
        """
        question = (caller.uid, caller.executable, caller.cgroup, caller.token, level, capability)
        return None if caller.unknown else self._verdicts.get(question)

    def seen_until(self, caller: Caller, level: str) -> float | None:
        """As `remembered`, of `sees`: until when such a caller may know that a level exists. None: it may not."""
        question = (caller.uid, caller.executable, caller.cgroup, caller.token, level, None)
        remembered = None if caller.unknown else self._seen.get(question)
        return remembered[1] if remembered is not None and remembered[0] else None

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


def _names_user_alone(entry: IndexedRule) -> bool:
    rule = entry.rule
    is_plain = not entry.needs and not rule.names_program and rule.process is None
    return is_plain and rule.uid is not None and rule.decision is not Decision.ASK


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


def _may_concern(rule: Rule, kind: _Kind) -> bool:
    uid, executable, token = kind
    is_program = rule.exe is None or not executable or conditions.path_of(executable) == rule.exe.path
    # a token gives what its rule does, and nothing that its bearer has for another reason
    is_bearer = rule.token == token or (not rule.token and rule.decision is _DENY)
    return rule.uid in (None, uid) and is_bearer and is_program

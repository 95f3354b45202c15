"""The judge: which rule answers a caller now, by the rules in force, their uses and what a person said.

Laws: nothing here is recorded and nothing is served. A settings file that cannot be trusted approves nobody.
"""

import math
import time
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.policy import Listers, Policy
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Moment, Rule, end
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest
from envfs.errors import UnsafeSettings
from envfs.gate.approvals.asking import Approvals
from envfs.gate.rule_book import RuleBook
from envfs.gate.rule_uses import RuleUses
from envfs.host import clocks
from envfs.host.callers import rule_processes

# looked up once: through its class a member costs 50 ns (Python 3.11)
_READ, _ASK = Capability.READ, Decision.ASK
_ASKED = frozenset((Capability.READ, Capability.NAMES))  # the things that a person can allow for a while


class Standing(NamedTuple):
    """The grants in force (None: none can be trusted), and when the next one ends, in seconds of this run."""

    policy: Policy | None
    until: float


class Judge:
    """Policy and approvals behind one question."""

    def __init__(self, book: RuleBook, uses: RuleUses, approvals: Approvals) -> None:
        """Decide by `book`, `uses` and `approvals`."""
        self._approvals = approvals
        self.book = book
        self.uses = uses
        self._rules: tuple[Rule, ...] = ()
        self._policy = Policy((), self.now(), uses, rule_processes.lives)

    def policy(self) -> Policy:
        """Return the grants as they are now.

        Raises:
            UnsafeSettings: the settings file is not to be trusted
        """
        rules = self.book.load()
        if rules is not self._rules:
            self._policy = Policy(rules, self.now(), self.uses, rule_processes.lives)
            self._rules = rules
        return self._policy

    def policy_if_safe(self) -> Policy | None:
        """As `policy`. None if the settings file is not to be trusted."""
        try:
            return self.policy()
        except UnsafeSettings:
            return None

    def is_by(self, policy: Policy, until: float) -> bool:
        """Tell whether these are the rules in force, and what was decided by them until then has not ended."""
        book = self.book
        is_newest = policy is self._policy and book.rules is self._rules and time.monotonic_ns() < book.trusted_until_ns
        if not is_newest and self.policy_if_safe() is not policy:  # each request asks, a few times
            return False
        return until == math.inf or clocks.boot_seconds() < until

    def decide(self, caller: Caller, level: str, capability: Capability = _READ) -> Verdict:
        """Decide, recording nothing. Settings that cannot be trusted deny everything.

        ASK is the verdict as long as no person said yes. A yes lets nobody do more than read.
        """
        verdict = self._rule(caller, level, capability)
        if verdict.decision is _ASK and capability in _ASKED:
            return self._approvals.decide(caller, level, verdict, capability)
        return verdict

    def _rule(self, caller: Caller, level: str, capability: Capability) -> Verdict:
        try:
            return self.policy().decide(caller, level, clocks.boot_seconds(), capability)
        except UnsafeSettings as error:
            return Verdict(Decision.DENY, error.text)

    def face(self, caller: Caller, level: str, dialect: str = "", capability: Capability = _READ) -> Face:
        """Return the face of a level for a caller. With a `dialect`, in that one."""
        face = self.decide(caller, level, capability).face
        return face._replace(dialect=dialect) if dialect else face

    def faces(self, caller: Caller, level: str) -> frozenset[Face]:
        """Return the faces that a caller may get of a level, by other programs of its user's as well."""
        rules = self.policy().resolve(caller, level, clocks.boot_seconds())
        return rules.doubtful_faces() | {self.face(caller, level)}

    def judge_access(
        self, caller: Caller, level: str, capability: Capability, face: Face | None, *, past: bool
    ) -> Verdict:
        """As `decide`. For a version of the past, `history` is needed as well.

        With a `face` it is about what a caller got in that one before: denied once the rules show it another.
        """
        verdict = self.decide(caller, level, capability)
        if past and verdict.is_served and capability is not Capability.HISTORY:
            history = self.decide(caller, level, Capability.HISTORY)
            verdict = verdict if history.is_served else history
        return verdict if face is None else _in_face(verdict, face)

    def judge_held(self, caller: Caller, request: AccessRequest) -> Verdict:
        """As `judge`, for a file that the caller has open: one that it opened by a yes stays readable."""
        verdict = self.judge(caller, request)
        if verdict.decision is not _ASK:
            return verdict
        rule = self._rule(caller, request.level, request.capability)
        held = self._approvals.decide_held(caller, request.level, rule, request.capability)
        return _in_face(held, request.face)

    def judge(self, caller: Caller, request: AccessRequest) -> Verdict:
        """Decide on a request, in the face that it has."""
        return self.judge_access(caller, request.level, request.capability, request.face, past=request.is_past)

    def allows(self, caller: Caller, level: str, capability: Capability = _READ) -> bool:
        """Tell whether a caller may read the view of a level in whatever face, or do something else there."""
        return self.decide(caller, level, capability).is_served

    def may_compare(self, caller: Caller, level: str) -> bool:
        """Tell whether a caller that writes may hear what that changed: it gets each value there, however often."""
        if not self.decide(caller, level).has_values:
            return False
        return not self.policy().counted(caller, level, clocks.boot_seconds())

    def sees(self, caller: Caller, level: str) -> bool:
        """Tell whether a caller may know that a level exists."""
        try:
            return self.policy().sees(caller, level, clocks.boot_seconds())
        except UnsafeSettings:
            return False

    def grants(self, caller: Caller) -> int:
        """Return how many grants a caller has now."""
        try:
            return self.policy().grants(caller, clocks.boot_seconds())
        except UnsafeSettings:
            return 0

    def can_anywhere(self, caller: Caller, capability: Capability) -> bool:
        """Tell whether a caller may do something at any level at all."""
        try:
            return self.policy().can_anywhere(caller, capability, clocks.boot_seconds())
        except UnsafeSettings:
            return False

    def listers(self, level: str = "") -> Listers:
        """List the users and groups that have a rule now. With a level, those that may know of its names."""
        try:
            return self.policy().listers(clocks.boot_seconds(), level)
        except UnsafeSettings:
            return Listers()

    def standing(self) -> Standing:
        """Return by which grants is decided now, and until when that stays so if nobody changes them."""
        try:
            policy = self.policy()
        except UnsafeSettings:
            return Standing(None, math.inf)
        return Standing(policy, policy.next_end(clocks.boot_seconds()))

    def now(self) -> Moment:
        """Return this moment, as grants count."""
        return Moment(clocks.boot_id(), clocks.boot_seconds(), clocks.wall_time())

    def seconds_left(self, rule: Rule) -> float:
        """Return for how long a grant still lasts: infinity for one without end, negative for one that has ended."""
        if rule.process is not None and not rule_processes.lives(rule.process):
            return -math.inf
        return end(rule, self.now()) - clocks.boot_seconds()


def _in_face(verdict: Verdict, face: Face) -> Verdict:
    if verdict.is_served and not verdict.face.has_values_of(face):
        return Verdict(Decision.DENY, f"another face: {verdict.rule}")
    return verdict

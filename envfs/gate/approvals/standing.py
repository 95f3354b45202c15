"""The effects of answers: the approvals in force, and the refusals that are fresh.

Laws: an approval covers what its question was about and nothing else: the same user, program, script, level and face.
One that any process of an executable has is for the content that its files had. It ends with its process, its time, or
a person's no. All of them end with the daemon.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar, assert_never

from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.approvals.lineage import Process
from envfs.core.approvals.question import ApprovalScope, ProcessKey, Question, QuestionIdentity, Sighting

EXECUTABLE_SECONDS = 600.0
ONCE_SECONDS = 30.0  # within which an open that waited has to come back for its file
REFUSED_SECONDS = 30.0  # for which the same is not asked again after a no
_MOST = 2048  # of each kind. The oldest are forgotten, and asked for again

Key = TypeVar("Key")
Value = TypeVar("Value")


class Approval(NamedTuple):
    """A yes in force. `process` is None where any process of the identity may open by it. `seen` is that process."""

    question: str
    identity: QuestionIdentity
    scope: ApprovalScope
    process: ProcessKey | None
    until: float
    seen: Process | None = None

    @property
    def rule(self) -> str:
        """The rule behind a read that it allows, for the log."""
        return f"{self.question} {self.scope}"

    def holds(self, now: float) -> bool:
        """Tell whether what was opened by it may still be read."""
        return self.scope is ApprovalScope.ONCE or now < self.until


_ApprovalKey = tuple[QuestionIdentity, ProcessKey | None]
_Handle = tuple[Caller, str, Face, Capability]  # by its opener, and what a yes was about


class StandingApprovals:
    """The approvals of one vault."""

    def __init__(self) -> None:
        """Start with none."""
        self._approvals: dict[_ApprovalKey, Approval] = {}
        self._opens_left: dict[_ApprovalKey, int] = {}  # of those for once
        self._admitted: dict[_Handle, Approval] = {}  # by the opener of a handle
        self._refused: dict[QuestionIdentity, float] = {}

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is allowed."""
        return not self._approvals

    def allow(self, question: Question, scope: ApprovalScope, waiting: Iterable[Sighting], now: float) -> None:
        """Put a yes into force, for those who wait."""
        self._refused.pop(question.identity.without_contents(), None)
        sightings = list(waiting)
        opens = Counter(sighting.process for sighting in sightings)
        seen = {sighting.process: sighting.lineage[0] for sighting in sightings if sighting.lineage}
        match scope:
            case ApprovalScope.EXECUTABLE | ApprovalScope.ALWAYS:
                self._add(question, scope, None, now + EXECUTABLE_SECONDS)
            case ApprovalScope.PROCESS:
                for process in opens:
                    self._add(question, scope, process, math.inf, seen.get(process))
            case ApprovalScope.ONCE if question.identity.forwarded or question.identity.petition:
                pass  # the request that waits goes on, and no other one
            case ApprovalScope.ONCE:
                for process, number in opens.items():
                    self._add(question, scope, process, now + ONCE_SECONDS, seen.get(process))
                    self._opens_left[_key(question.identity, process)] = number
            case _:
                assert_never(scope)

    def _add(
        self,
        question: Question,
        scope: ApprovalScope,
        process: ProcessKey | None,
        until: float,
        seen: Process | None = None,
    ) -> None:
        key = _key(question.identity, process)
        self._opens_left.pop(key, None)
        _put(self._approvals, key, Approval(question.name, question.identity, scope, process, until, seen))

    def refuse(self, identity: QuestionIdentity, now: float) -> bool:
        """Note a no. Approvals of the same identity end: tell whether there were any."""
        files = identity.without_contents()
        _put(self._refused, files, now + REFUSED_SECONDS)
        ended = _drop(self._approvals, lambda approval: approval.identity.without_contents() == files)
        return bool(ended + _drop(self._admitted, lambda approval: approval.identity.without_contents() == files))

    def is_refused(self, identity: QuestionIdentity, now: float) -> bool:
        """Tell whether a person said no to the same a moment ago."""
        return self._refused.get(identity.without_contents(), 0.0) > now

    def approval(self, identity: QuestionIdentity, process: ProcessKey, now: float) -> Approval | None:
        """Return the approval by which a process may open something now."""
        for key in (_key(identity, process), *((_key(identity, None),) if identity.has_contents else ())):
            approval = self._approvals.get(key)
            if approval is not None and now < approval.until:
                return approval
        return None

    def admit(self, approval: Approval, caller: Caller, level: str, face: Face) -> None:
        """Note that a caller opened something by an approval. One for once is used up by that."""
        _put(self._admitted, _handle_of(caller, level, face, approval.identity.capability), approval)
        if approval.scope is ApprovalScope.ONCE:
            key = _key(approval.identity, approval.process)
            left = self._opens_left.pop(key, 1) - 1
            if left:
                self._opens_left[key] = left
            else:
                self._approvals.pop(key, None)

    def admission(
        self, caller: Caller, level: str, face: Face, now: float, capability: Capability = Capability.READ
    ) -> Approval | None:
        """Return the approval by which the opener of a handle may still read it."""
        approval = self._admitted.get(_handle_of(caller, level, face, capability))
        return approval if approval is not None and approval.holds(now) else None

    def forget(self, is_over: Callable[[Approval], bool], now: float) -> int:
        """Forget the approvals whose time or whose process is over, and old refusals. Return how many approvals."""
        _drop(self._refused, lambda until: until <= now)
        number = _drop(self._approvals, lambda approval: approval.until <= now or is_over(approval))
        self._opens_left = {key: left for key, left in self._opens_left.items() if key in self._approvals}
        return number


def _key(identity: QuestionIdentity, process: ProcessKey | None) -> _ApprovalKey:
    return identity if process is None else identity.without_contents(), process


def _handle_of(caller: Caller, level: str, face: Face, capability: Capability) -> _Handle:
    # an open handle keeps its opener without what could be seen of it later
    return caller._replace(source=None), level, face, capability


def _put(table: dict[Key, Value], key: Key, value: Value) -> None:
    table.pop(key, None)
    if len(table) >= _MOST:
        del table[next(iter(table))]
    table[key] = value


def _drop(table: dict[Key, Value], is_over: Callable[[Value], bool]) -> int:
    over = [key for key, value in table.items() if is_over(value)]
    for key in over:
        del table[key]
    return len(over)

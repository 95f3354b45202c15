"""The effects of answers: the approvals in force, and the refusals that are fresh.

Laws: an approval covers what its question was about and nothing else: the same user, program, script, level and face.
It ends with its process, its time, or a person's no. All of them end with the daemon.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar, assert_never

from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.approvals.question import ApprovalScope, ProcessKey, Question, QuestionIdentity, Sighting

EXECUTABLE_SECONDS = 600.0
ONCE_SECONDS = 30.0  # within which an open that waited has to come back for its file
REFUSED_SECONDS = 30.0  # for which the same is not asked again after a no
_MOST = 2048  # of each kind. The oldest are forgotten, and asked for again

Key = TypeVar("Key")
Value = TypeVar("Value")


class Approval(NamedTuple):
    """A yes in force. `process` is None where any process of the identity may open by it."""

    number: int
    question: str
    identity: QuestionIdentity
    scope: ApprovalScope
    process: ProcessKey | None
    until: float

    @property
    def rule(self) -> str:
        """The rule behind a read that it allows, for the log."""
        return f"{self.question} {self.scope}"

    def holds(self, now: float) -> bool:
        """Tell whether what was opened by it may still be read."""
        return self.scope is ApprovalScope.ONCE or now < self.until


class StandingApprovals:
    """The approvals of one vault."""

    def __init__(self) -> None:
        """Start with none."""
        self._next = 1
        self._approvals: dict[int, Approval] = {}
        self._opens_left: dict[int, int] = {}  # by the number of an approval for once
        self._admitted: dict[tuple[Caller, str, Face], Approval] = {}  # by the opener of a handle
        self._refused: dict[QuestionIdentity, float] = {}

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is allowed."""
        return not self._approvals

    def allow(self, question: Question, scope: ApprovalScope, waiting: Iterable[Sighting], now: float) -> None:
        """Put a yes into force, for those who wait."""
        self._refused.pop(question.identity, None)
        opens = Counter(sighting.process for sighting in waiting)
        match scope:
            case ApprovalScope.EXECUTABLE | ApprovalScope.ALWAYS:
                self._add(question, scope, None, now + EXECUTABLE_SECONDS)
            case ApprovalScope.PROCESS:
                for process in opens:
                    self._add(question, scope, process, math.inf)
            case ApprovalScope.ONCE:
                for process, number in opens.items():
                    self._opens_left[self._add(question, scope, process, now + ONCE_SECONDS)] = number
            case _:
                assert_never(scope)

    def _add(self, question: Question, scope: ApprovalScope, process: ProcessKey | None, until: float) -> int:
        approval = Approval(self._next, question.name, question.identity, scope, process, until)
        self._next += 1
        _put(self._approvals, approval.number, approval)
        return approval.number

    def refuse(self, identity: QuestionIdentity, now: float) -> bool:
        """Note a no. Approvals of the same identity end: tell whether there were any."""
        _put(self._refused, identity, now + REFUSED_SECONDS)
        ended = _drop(self._approvals, lambda approval: approval.identity == identity)
        ended += _drop(self._admitted, lambda approval: approval.identity == identity)
        self._opens_left = {number: left for number, left in self._opens_left.items() if number in self._approvals}
        return bool(ended)

    def is_refused(self, identity: QuestionIdentity, now: float) -> bool:
        """Tell whether a person said no to the same a moment ago."""
        return self._refused.get(identity, 0.0) > now

    def approval(self, identity: QuestionIdentity, process: ProcessKey, now: float) -> Approval | None:
        """Return the approval by which a process may open something now."""
        for approval in self._approvals.values():
            if approval.identity == identity and approval.process in (None, process) and now < approval.until:
                return approval
        return None

    def admit(self, approval: Approval, caller: Caller, level: str, face: Face) -> None:
        """Note that a caller opened something by an approval. One for once is used up by that."""
        _put(self._admitted, _handle_of(caller, level, face), approval)
        left = self._opens_left.get(approval.number)
        if left is None:
            return
        self._opens_left[approval.number] = left - 1
        if left <= 1:
            del self._opens_left[approval.number]
            self._approvals.pop(approval.number, None)

    def admission(self, caller: Caller, level: str, face: Face, now: float) -> Approval | None:
        """Return the approval by which the opener of a handle may still read it."""
        approval = self._admitted.get(_handle_of(caller, level, face))
        return approval if approval is not None and approval.holds(now) else None

    def forget(self, is_over: Callable[[Approval], bool], now: float) -> None:
        """Forget the approvals whose time or whose process is over, and old refusals."""
        _drop(self._approvals, lambda approval: approval.until <= now or is_over(approval))
        _drop(self._refused, lambda until: until <= now)


def _handle_of(caller: Caller, level: str, face: Face) -> tuple[Caller, str, Face]:
    # an open handle keeps its opener without what could be seen of it later
    return caller._replace(source=None), level, face


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

"""The board: questions that wait for a person, and the callers that wait for each.

Laws: callers with one identity share one question. A caller that leaves, or that a signal waits for, is let go within
two looks, and the others wait on. Callers and questions are bounded for each uid, and a look at those who wait gives
way to everything else. Where nobody is there to ask, nobody waits.
Code between two awaits is atomic. Shared are `_open` and its waiters.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

import trio

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.approvals.lineage import Lineage
from envfs.core.approvals.petition import PetitionKind
from envfs.core.approvals.question import (
    ApprovalScope,
    Outcome,
    ProcessKey,
    Question,
    QuestionIdentity,
    Sighting,
    check_length,
)
from envfs.errors import TooMany
from envfs.gate.approvals.standing import StandingApprovals
from envfs.gate.approvals.watching import Change, QuestionWatch
from envfs.gate.audit_log.log import AccessLog
from envfs.host import clocks

MOST_WAITING, MOST_QUESTIONS = 512, 16  # of one uid
_MOST_ASKERS = 2048  # of one question, those that left included
_LOOK_SECONDS = 0.1
_AT_ONCE = 16  # looks at callers before everything else has its turn
_LINGER_SECONDS = 1.0  # a program that a signal diverted tries again: until then its question stays
_RECENT_SECONDS = 600.0  # for which a person who looked at the questions counts as being there


class CallerLeft(ConnectionError):
    """The caller waits no more."""


class Patience(NamedTuple):
    """How a caller waits: whether it has left, how to learn the reason that it gives, and how it is told that it waits.

    `reason` is called in a thread. `begin` is given the question's name and for how many seconds it may wait.
    """

    has_left: Callable[[], bool]
    reason: Callable[[], str] = str
    begin: Callable[[str, float], Awaitable[None]] | None = None


class Answer(NamedTuple):
    """How a question ended for a caller, and what the question is called."""

    outcome: Outcome
    question: str


class _Waiter:
    """One caller that waits."""

    def __init__(self, sighting: Sighting, patience: Patience) -> None:
        self.sighting = sighting
        self.patience = patience
        self.woken = trio.Event()


class _Entry:
    """An open question, who waits for it, and since when nobody does. `outcome` is None until it ended."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.waiters: set[_Waiter] = set()
        self.askers: dict[ProcessKey, Lineage] = {}  # all that ever waited for it: none of them may answer
        self.lonely_since = question.seconds
        self.outcome: Outcome | None = None


class Board:
    """The open questions of one vault."""

    def __init__(self, log: AccessLog) -> None:
        """Start with no question. Questions and answers go into `log`."""
        self.standing = StandingApprovals()
        self.has_notifier = False
        self.waits_unattended = False
        self._log = log
        self._open: dict[QuestionIdentity, _Entry] = {}
        self._watches: set[QuestionWatch] = set()
        self._next = 1
        self._come = trio.Event()
        self._is_running = False
        self._looked_at = -_RECENT_SECONDS

    # -- who asks ------------------------------------------------------------------------------------------------------

    async def ask(self, draft: Question, patience: Patience) -> Answer:
        """Wait until a question is answered. `draft` becomes one, or joins the one that is asked already.

        Raises:
            CallerLeft: the caller waits no more
            TooLarge: it is too long to be shown
            TooMany: too much of this uid waits already
        """
        now = clocks.boot_seconds()
        if self.standing.is_refused(draft.identity, now):
            return Answer(Outcome.DENIED, "asked before")
        entry = self._open.get(draft.identity) or self._begin(draft)
        if entry is None:
            return Answer(Outcome.NOBODY, "")
        waiter = _Waiter(draft.sighting, patience)
        self._check_room(draft.identity.uid)
        if len(entry.askers) >= _MOST_ASKERS and draft.sighting.process not in entry.askers:
            raise TooMany("too many programs have asked this already", "answer it: `envfs approvals ls`")
        entry.askers[draft.sighting.process] = draft.sighting.lineage
        entry.waiters.add(waiter)
        self._come.set()
        try:
            if patience.begin is not None:
                await patience.begin(entry.question.name, entry.question.until - now)
            await waiter.woken.wait()
        finally:
            entry.waiters.discard(waiter)
            entry.lonely_since = clocks.boot_seconds()
        if entry.outcome is None:
            raise CallerLeft
        return Answer(entry.outcome, entry.question.name)

    def _begin(self, draft: Question) -> _Entry | None:
        check_length(draft)
        uid = draft.identity.uid
        if sum(question.identity.uid == uid for question in self.questions()) >= MOST_QUESTIONS:
            raise TooMany("this user has too many questions waiting", "answer some: `envfs approvals ls`")
        if not self._is_attended():
            return None
        question = draft._replace(number=self._next)
        self._log.append(events.asked(question.request, question.name), question.caller)
        self._next += 1
        entry = self._open[question.identity] = _Entry(question)
        self._tell(Change(question))
        return entry

    def _check_room(self, uid: int) -> None:
        entries = self._open.values()
        if sum(len(entry.waiters) for entry in entries if entry.question.identity.uid == uid) >= MOST_WAITING:
            raise TooMany("this user has too many programs waiting for an answer", "answer some: `envfs approvals ls`")

    def _is_attended(self) -> bool:
        if not self._is_running:
            return False
        is_recent = clocks.boot_seconds() - self._looked_at < _RECENT_SECONDS
        return bool(self._watches) or self.has_notifier or self.waits_unattended or is_recent

    # -- who answers ---------------------------------------------------------------------------------------------------

    def questions(self) -> list[Question]:
        """Return the open questions, the oldest first."""
        return [entry.question for entry in self._open.values()]

    def waiting(self, question: Question) -> int:
        """Return how many callers wait for a question."""
        entry = self._open.get(question.identity)
        return len(entry.waiters) if entry is not None else 0

    def askers(self, question: Question) -> list[Lineage]:
        """Return the lineages of all callers that waited for a question at any time."""
        entry = self._open.get(question.identity)
        return list(entry.askers.values()) if entry is not None else []

    def note_person(self) -> None:
        """Note that somebody who may answer looked at the questions."""
        self._looked_at = clocks.boot_seconds()

    def allow(self, question: Question, scope: ApprovalScope, answered_by: Caller) -> None:
        """Say yes.

        Raises:
            AuditUnavailable: the answer cannot be recorded. Then there is none
        """
        entry = self._open[question.identity]
        self._log.append(events.answered(question.request, question.name, scope, is_yes=True), answered_by)
        waiting = [waiter.sighting for waiter in entry.waiters]
        self.standing.allow(question, scope, waiting, clocks.boot_seconds())
        self._end(entry, Outcome.ALLOWED, answered_by.uid)

    def deny(self, question: Question, answered_by: Caller) -> None:
        """Say no.

        Raises:
            AuditUnavailable: the answer cannot be recorded. Then there is none
        """
        entry = self._open[question.identity]
        self._log.append(events.answered(question.request, question.name, "", is_yes=False), answered_by)
        self.standing.refuse(question.identity, clocks.boot_seconds())
        self._end(entry, Outcome.DENIED, answered_by.uid)

    def fulfil(self, level: str, names: Collection[str], written_by: Caller) -> None:
        """End the petitions that a variable is set which was set now.

        Raises:
            AuditUnavailable: the end cannot be recorded. Then there is none
        """
        for entry in tuple(self._open.values()):
            identity = entry.question.identity
            petition = identity.petition
            is_about = petition is not None and petition.kind is PetitionKind.SET and identity.level == level
            if petition is not None and is_about and {*petition.names} <= {*names}:
                event = events.answered(entry.question.request, entry.question.name, petition.kind, is_yes=True)
                self._log.append(event, written_by)
                self._end(entry, Outcome.ALLOWED, written_by.uid)

    @property
    def is_running(self) -> bool:
        """Tell whether questions can be asked here."""
        return self._is_running

    @contextmanager
    def watch(self, *, is_person: bool = True) -> Iterator[QuestionWatch]:
        """Be told of questions for the block: of those that are open, and of each change.

        A person counts as being there for a while longer.
        """
        watch = QuestionWatch()
        for question in self.questions():
            watch.tell(Change(question))
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            if is_person:
                self.note_person()

    def _tell(self, change: Change) -> None:
        for watch in self._watches:
            watch.tell(change)

    # -- what goes on by itself ----------------------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Let go of callers that have left, and end questions whose time is over, for ever. Idle while nobody waits."""
        self._is_running = True
        while True:
            await self._come.wait()
            while self._open:
                await self._look()
                await trio.sleep(_LOOK_SECONDS)
            self._come = trio.Event()

    async def _look(self) -> None:
        waiters = [waiter for entry in self._open.values() for waiter in entry.waiters]
        for number, waiter in enumerate(waiters, 1):
            if waiter.patience.has_left():
                waiter.woken.set()
            if not number % _AT_ONCE:
                await trio.lowlevel.checkpoint()
        now = clocks.boot_seconds()
        for entry in tuple(self._open.values()):
            if now >= entry.question.until:
                self._end(entry, Outcome.TIMED_OUT)
            elif not entry.waiters and now - entry.lonely_since > _LINGER_SECONDS:
                self._end(entry, Outcome.WITHDRAWN)

    def _end(self, entry: _Entry, outcome: Outcome, answered_by: int = -1) -> None:
        del self._open[entry.question.identity]
        entry.outcome = outcome
        for waiter in entry.waiters:
            waiter.woken.set()
        self._tell(Change(entry.question, outcome, answered_by))

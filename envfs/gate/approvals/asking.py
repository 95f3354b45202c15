"""Asking a person, for the gate: a verdict ASK becomes another one, at once or after an answer.

Laws: a yes changes ASK alone. A rule that denies, or that is gone, ends what a yes allowed. For each decision the
process of the caller is looked at again.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from typing import NoReturn, assert_never

import trio

from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest
from envfs.core.approvals.forwarding import ForwardedRequest
from envfs.core.approvals.petition import Petition
from envfs.core.approvals.question import Outcome, Question, QuestionIdentity, Sighting
from envfs.errors import EnvFSError, NobodyToAsk, NotApproved, TimedOut
from envfs.gate.approvals.board import Answer, Board, Patience
from envfs.gate.approvals.standing import Approval
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.gathering import Gathering
from envfs.host import clocks
from envfs.host.callers import lineages, sightings
from envfs.settings import Settings

by_socket: ContextVar[bool] = ContextVar("by_socket", default=False)  # whether a client of the socket asks
_TIDY_SECONDS = 5.0
_NOBODY = "nobody there to ask"
_WATCH = "start `envfs approvals watch` in another terminal, then try again"


class Approvals:
    """The questions and the approvals of one vault."""

    def __init__(self, settings: Callable[[], Settings], log: AccessLog) -> None:
        """Ask as `settings` say when they are called, and record in `log`."""
        self.board = Board(log)
        self._standing = self.board.standing
        self._settings = settings
        self.gathering = Gathering()

    # -- deciding ------------------------------------------------------------------------------------------------------

    def decide(self, caller: Caller, level: str, verdict: Verdict, capability: Capability) -> Verdict:
        """Return what a verdict ASK comes to now. It stays what it is if nobody said yes."""
        approval = self._approval(caller, level, verdict, capability)
        return verdict if approval is None else _allowed(verdict, approval)

    def decide_held(self, caller: Caller, level: str, verdict: Verdict, capability: Capability) -> Verdict:
        """As `decide`, for a file that the caller has open: one that it opened by a yes stays readable."""
        now = clocks.boot_seconds()
        for covering in _covering(capability):
            approval = self._standing.admission(caller, level, verdict.face, now, covering)
            if approval is not None:
                return _allowed(verdict, approval)
        return self.decide(caller, level, verdict, capability)

    def approval_behind(self, caller: Caller, level: str, verdict: Verdict, capability: Capability) -> Approval | None:
        """Return the yes that a verdict comes from. None if it comes from a rule alone.

        Raises:
            Unfinished: something has to be read first. So this is asked before anything is recorded
        """
        approval = self._approval(caller, level, verdict, capability)
        return approval if approval is not None and approval.rule == verdict.rule else None

    def note_served(self, approval: Approval | None, caller: Caller, level: str, verdict: Verdict) -> None:
        """Note that a caller was served by a verdict with a yes behind it. A yes for once is used up by that."""
        if approval is not None:
            self._standing.admit(approval, caller, level, verdict.face)

    def _approval(self, caller: Caller, level: str, verdict: Verdict, capability: Capability) -> Approval | None:
        if self._standing.is_empty:
            return None
        seen = sightings.identify_caller(caller)
        if seen is None:
            return None
        identity, now = _identity(caller, level, verdict, seen), clocks.boot_seconds()
        found = (
            self._standing.approval(identity._replace(capability=c), seen.process, now) for c in _covering(capability)
        )
        return next(filter(None, found), None)

    # -- asking --------------------------------------------------------------------------------------------------------

    async def ask(
        self,
        caller: Caller,
        request: AccessRequest,
        verdict: Verdict,
        variables: int,
        patience: Patience,
        subject: ForwardedRequest | Petition | None = None,
    ) -> Answer:
        """Wait for an answer. With a `subject` it is about that request through a proxy, or a petition.

        Raises:
            CallerLeft: the caller waits no more
            NotApproved: the caller cannot be seen well enough to be shown
            TooLarge: it is too long to be shown
            TooMany: too much of this uid waits already
        """
        process = sightings.identify_caller(caller)
        look = partial(sightings.add_surroundings, process, caller.pid, patience.reason) if process else None
        seen = await self.gathering.look(look, caller.uid) if look is not None else None
        if seen is None or not seen.lineage:
            raise NotApproved("this program cannot be seen well enough to ask a person for it")
        approvals = self._settings().approvals
        self.board.waits_unattended = approvals.waits_unattended
        now = clocks.boot_seconds()
        identity = _identity(caller, request.level, verdict, seen)._replace(
            capability=request.capability,
            forwarded=subject if isinstance(subject, ForwardedRequest) else None,
            petition=subject if isinstance(subject, Petition) else None,
        )
        approval = self._standing.approval(identity, seen.process, now)
        if approval is not None:  # another one was answered meanwhile
            return Answer(Outcome.ALLOWED, approval.question)
        question = Question(
            0, identity, caller, request, variables, seen, now, clocks.wall_ns(), now + approvals.wait_seconds
        )
        return await self.board.ask(question, patience)

    async def run(self, after_end: Callable[[], Awaitable[None]]) -> NoReturn:
        """Forget approvals whose time or whose process is over, for ever, and do `after_end` when some are."""
        while True:
            await trio.sleep(_TIDY_SECONDS)
            if not self._standing.is_empty and self._standing.forget(_is_of_the_past, clocks.boot_seconds()):
                await after_end()


def refusal(answer: Answer, level: str) -> tuple[str, EnvFSError]:
    """Return the rule for the log, and the error, for a caller to whom nobody said yes."""
    match answer.outcome:
        case Outcome.DENIED:
            error = NotApproved(f"a person refused {level} to this program", "ask them before it is tried again")
            return f"{answer.question} denied", error
        case Outcome.TIMED_OUT:
            late = TimedOut(f"nobody answered in time whether this program may read {level}", _WATCH)
            return f"{answer.question} timed out", late
        case Outcome.NOBODY:
            return _NOBODY, NobodyToAsk(f"a person has to allow {level}, and nobody is there to ask", _WATCH)
        case Outcome.ALLOWED | Outcome.WITHDRAWN:
            return f"{answer.question} is over", NotApproved(f"nobody allowed {level} to this program")
        case _:
            assert_never(answer.outcome)


def _identity(caller: Caller, level: str, verdict: Verdict, seen: Sighting) -> QuestionIdentity:
    return QuestionIdentity(caller.uid, seen.program, seen.script, level, verdict.face, by_socket.get())


def _covering(capability: Capability) -> tuple[Capability, ...]:
    # a yes to values is one to names as well, and not the reverse
    return (Capability.READ,) if capability is Capability.READ else (Capability.READ, capability)


def _allowed(verdict: Verdict, approval: Approval) -> Verdict:
    return Verdict(Decision.ALLOW, approval.rule, verdict.face)


def _is_of_the_past(approval: Approval) -> bool:
    if approval.seen is None:
        return False
    process = lineages.process_at(approval.seen.pid)
    return process is None or not process.is_same(approval.seen)

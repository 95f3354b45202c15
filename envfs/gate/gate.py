"""The gate: for every byte of plaintext, identify, decide, record, then serve.

Laws: nothing is served before its entry is in the access log. A settings file that cannot be trusted approves nobody.
Refusals are logged too.
"""

import contextlib
import os
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, NoReturn

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Need
from envfs.core.access.face import Face
from envfs.core.access.policy import Policy
from envfs.core.access.roles import Capability
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.approvals.question import Outcome
from envfs.core.events import Event, Served
from envfs.errors import AuditUnavailable, Conflict, Malformed, NotApproved, TooLarge
from envfs.gate.approvals.asking import Approvals, refusal
from envfs.gate.approvals.board import Patience
from envfs.gate.approvals.standing import Approval
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.refusals import Refusals
from envfs.gate.judge import Judge
from envfs.gate.readings import Readings
from envfs.gate.rule_book import RuleBook
from envfs.gate.rule_uses import RuleUses
from envfs.gate.shown_names import hiding_names
from envfs.gate.views.ready_views import Views
from envfs.gate.views.view import View
from envfs.host import clocks

# looked up once: through its class a member costs 50 ns (Python 3.11)
_READ, _ASK = Capability.READ, Decision.ASK

_PIDFD = frozenset((Need.PIDFD,))

_OF_VIEWS = frozenset((Format.DOTENV, Format.JSON, Format.ENVIRON, Format.VALUE))
_WITH_VALUES = _OF_VIEWS | {Format.OWN}

Check = Callable[[View], None]  # raises if a view cannot be handed on. It is asked before anything is recorded


def _pass(_view: View | None = None) -> None:
    pass


class Admission(NamedTuple):
    """An open that was admitted by the rules alone, for all callers of one kind: it stands as long as these do.

    `event` is what each of them leaves on the log.
    """

    policy: Policy
    until: float
    request: AccessRequest
    view: View
    event: Event


class Gate(Judge):
    """A judge that records its verdicts and serves by them: policy, log and views behind one question."""

    def __init__(
        self, book: RuleBook, uses: RuleUses, log: AccessLog, refusals: Refusals, views: Views, approvals: Approvals
    ) -> None:
        """Decide by `book`, `uses` and `approvals`, record in `log` and `refusals`, serve from `views`."""
        super().__init__(book, uses, approvals)
        self.log = log
        self.views = views
        self._refusals = refusals
        self.served_at = clocks.boot_seconds()
        self.on_alarm: Callable[[bytes], None] = lambda _line: None  # hears the entry of a canary that is read
        self.readings = Readings()

    async def admit(
        self, caller: Caller, request: AccessRequest, patience: Patience | None = None, check: Check = _pass
    ) -> View:
        """Return the view for a caller that may have it, recorded and held. The caller of this releases it.

        Where a person decides, a caller with `patience` waits for the answer. The view is recorded after `check`,
        which may refuse it.

        Raises:
            NotApproved: it may not. That is on the log
            TimedOut, NobodyToAsk: a person had to say yes, and did not. That is on the log
            AuditUnavailable: the log cannot be written
            CallerLeft: it waits no more
        """
        if patience is not None:
            await self.ask(caller, request, patience)
        view = self.admit_warm(caller, request, check=check)
        if view is None:
            try:
                view = await self._make(request)
            except (Malformed, TooLarge):  # what these say names variables, and so is recorded first
                self._refusals.record(events.refused(request, "the view cannot be made"), caller)
                raise
            view = self._serve(caller, request, self._approve(caller, request), view, check)
        return view

    async def ask(self, caller: Caller, request: AccessRequest, patience: Patience) -> None:
        """Have a person decide, if the caller's rule says so and nobody did yet.

        Raises:
            NotApproved, TimedOut, NobodyToAsk: nobody said yes. That is on the log
            AuditUnavailable: the log cannot be written
            CallerLeft: it waits no more
        """
        verdict = self.decide(caller, request.level, request.capability)
        if verdict.decision is not _ASK:
            return
        try:
            view = await self._make(request._replace(face=verdict.face))  # nobody is asked for what cannot be served
        except (Malformed, TooLarge):
            self.refuse(caller, request, "the view cannot be made")
        try:
            answer = await self._approvals.ask(caller, request, verdict, view.variables, patience)
        except (NotApproved, TooLarge) as error:
            self._refusals.record(events.refused(request, f"not asked: {error.text}"), caller)
            raise
        if answer.outcome is not Outcome.ALLOWED:
            rule, refused = refusal(answer, request.level)
            with contextlib.suppress(AuditUnavailable):
                self._refusals.record(events.refused(request, rule), caller)
            raise refused

    async def _make(self, request: AccessRequest) -> View:
        with hiding_names(request.face, request.level):
            if request.moment:
                return await self.views.get_at(request.level, request.moment, request.face)
            if request.version:
                return await self.views.get_past(request.level, request.version, request.face)
            return await self.views.get(request.level, request.face)

    def admit_warm(
        self, caller: Caller, request: AccessRequest, content: Hashable = None, check: Check = _pass
    ) -> View | None:
        """As `admit`, without ever waiting: None when the view has to be made first, or a person has to be asked.

        With a `content`, None as well when the view that is ready has another in the format that is asked for.
        """
        verdict = self.judge_access(caller, request.level, request.capability, None, past=request.is_past)
        if verdict.decision is _ASK:
            return None
        self._check_verdict(caller, request, verdict)
        view = None if request.is_past else self.views.warm(request.level, request.face)
        if view is None or content not in (None, view.content(request.format)):
            return None
        return self._serve(caller, request, verdict, view, check)

    def admission(self, caller: Caller, request: AccessRequest, view: View) -> Admission | None:
        """Return what admits callers of the same uid, program and control group to a ready view from now on.

        None where more than rules led to it, a count of uses among that, or where a read does more than be recorded.
        """
        policy = self.policy_if_safe()
        if policy is None or request.is_past or request.variables or view.has_canary():
            return None
        verdict, until = policy.remembered(caller, request.level, request.capability) or (None, 0.0)
        if verdict is None or not verdict.is_served or not verdict.face.has_values_of(request.face):
            return None
        return Admission(policy, until, request, view, events.read(request, _served(request, view), verdict))

    def stands(self, admission: Admission) -> bool:
        """Tell whether those who were admitted may read on."""
        return self.is_by(admission.policy, admission.until)

    def is_ready(self, admission: Admission) -> bool:
        """Tell whether the next caller of this kind may be admitted: by the same rules, to the newest view."""
        request = admission.request
        return self.stands(admission) and self.views.warm(request.level, request.face) is admission.view

    def admit_again(self, caller: Caller, admission: Admission) -> View:
        """As `admit`, for an admission that is ready.

        Raises:
            AuditUnavailable: the log cannot be written
        """
        self.log.append(admission.event, caller)
        self.served_at = clocks.boot_seconds()
        self.readings.note(caller, admission.request, admission.view.version, self.served_at)
        return admission.view.hold()

    def admit_view(self, caller: Caller, request: AccessRequest, view: View, check: Check) -> View:
        """As `admit`, for a view that was made before."""
        return self._serve(caller, request, self._approve(caller, request), view, check)

    async def admit_own(self, caller: Caller, request: AccessRequest) -> View:
        """As `admit`, for the level's own text to the letter. It is in the part `dotenv` of what this returns."""
        self._approve_whole(caller, request)
        view = await self.views.get_own(request.level, request.version)
        try:
            return self._serve(caller, request, self._approve_whole(caller, request), view)
        finally:
            view.release()

    async def admit_proxy(self, caller: Caller, request: AccessRequest, patience: Patience) -> View:
        """As `admit`, for a caller that may have the values: they are for its proxy, and the view has placeholders.

        The entry says so. Each request of the proxy has its own.
        """
        await self.ask(caller, request, patience)
        self._approve_unmasked(caller, request)
        view = await self._make(request._replace(face=request.face._replace(masked=True)))
        verdict = self._approve_unmasked(caller, request)
        approval = self._approvals.approval_behind(caller, request.level, verdict, request.capability)
        self._count(caller, request)
        self.log.append(events.read(request, _served(request, view), verdict), caller)
        self._approvals.note_served(approval, caller, request.level, verdict)
        self.readings.note(caller, request, view.version, clocks.boot_seconds())
        return view.hold()

    def _approve_unmasked(self, caller: Caller, request: AccessRequest) -> Verdict:
        if request.face.masked:
            self.refuse(caller, request, "placeholders alone")
        return self._approve(caller, request)

    def admit_facts(self, caller: Caller, request: AccessRequest, find: Callable[[], object] = _pass) -> Face:
        """As `admit`, for what is told of a level without its view; what the caller gets next is recorded.

        Returns the face that it has to fit. A comparison with the values tells whether a guess is right, and a copy has
        them. Each takes the values, and counts as a read. `find` raises if the version that is asked for is not there.
        It is asked once the caller is approved. The log must name no version that never was: those it names count as
        seen.
        """
        return self.admit_all_facts(caller, ((request, find),))[0]

    def admit_all_facts(
        self, caller: Caller, requests: Sequence[tuple[AccessRequest, Callable[[], object]]]
    ) -> list[Face]:
        """As `admit_facts`, for what a caller gets of several levels or versions: of all of them, or of none."""
        approved = [self._approve_facts(caller, request, find) for request, find in requests]
        for (request, _), (verdict, approval) in zip(requests, approved, strict=True):
            if _is_of_values(request):
                self._count(caller, request)
            self.log.append(events.read(request, Served(request.version), verdict), caller)
            self._approvals.note_served(approval, caller, request.level, verdict)
            self.readings.note(caller, request, request.version, clocks.boot_seconds())
        return [verdict.face for verdict, _ in approved]

    def _approve_facts(
        self, caller: Caller, request: AccessRequest, find: Callable[[], object]
    ) -> tuple[Verdict, Approval | None]:
        if not _is_of_values(request):
            verdict, approval = self._approve_any(caller, request), None
        else:
            verdict = self._approve_whole(caller, request)
            approval = self._approvals.approval_behind(caller, request.level, verdict, request.capability)
        find()
        return verdict, approval

    def _approve_any(self, caller: Caller, request: AccessRequest) -> Verdict:
        past = request.is_past
        verdict = self.judge_access(caller, request.level, request.capability, None, past=past)
        if not verdict.is_served:
            self.refuse(caller, request, verdict.rule)
        return verdict

    def _approve(self, caller: Caller, request: AccessRequest) -> Verdict:
        past = request.is_past
        verdict = self.judge_access(caller, request.level, request.capability, None, past=past)
        return self._check_verdict(caller, request, verdict)

    def _check_verdict(self, caller: Caller, request: AccessRequest, verdict: Verdict) -> Verdict:
        if not verdict.is_served:
            self.refuse(caller, request, verdict.rule)
        # an inode is of one face. On the socket, a caller that may have values may ask for placeholders
        fits = verdict.face.has_values_of if request.channel is Channel.MOUNT else verdict.face.covers
        if not fits(request.face):
            raise Conflict("the rules for this caller changed meanwhile", "ask again")
        return verdict

    def _approve_whole(self, caller: Caller, request: AccessRequest) -> Verdict:
        verdict = self._approve_any(caller, request)
        if not verdict.face.is_whole:
            self._refusals.record(events.refused(request, f"not in this face: {verdict.rule}"), caller)
            raise NotApproved(
                f"a part of {request.level}, or placeholders, is all that uid {caller.uid} gets there",
                f"`envfs export {request.level}` gives that",
            )
        return verdict

    def _say_unsafe(self, caller: Caller) -> None:
        # strangers are only told no. Whose file it is should hear what is wrong with it
        if caller.is_user(os.geteuid()):
            self.policy()

    def refuse(self, caller: Caller, request: AccessRequest, rule: str) -> NoReturn:
        """Record a refusal and raise it. Where the log cannot be written the refusal stands all the same."""
        is_past = request.is_past or request.format is Format.HISTORY
        what = f"the past of {request.level}" if is_past and self.allows(caller, request.level) else request.level
        with contextlib.suppress(AuditUnavailable):
            self._refusals.record(events.refused(request, rule), caller)
        self._say_unsafe(caller)
        raise NotApproved(
            f"uid {caller.uid} is not approved for {what}",
            f"the owner can approve it with `envfs grant {request.level} --uid {caller.uid}`",
        )

    def _serve(
        self, caller: Caller, request: AccessRequest, verdict: Verdict, view: View, check: Check = _pass
    ) -> View:
        # all that may fail, or have to be asked again, comes before the count and the entry, which are made once
        check(view)
        approval = self._approvals.approval_behind(caller, request.level, verdict, request.capability)
        self._count(caller, request)
        if request.format in _WITH_VALUES and view.has_canary(request.variables):
            self.on_alarm(self.log.append(events.canary_read(request, _served(request, view), verdict), caller))
        self.log.append(events.read(request, _served(request, view), verdict), caller)
        self._approvals.note_served(approval, caller, request.level, verdict)
        self.served_at = clocks.boot_seconds()
        plain = request._replace(variables=()) if request.variables else request
        self.readings.note(caller, plain, view.version, self.served_at)
        return view.hold()

    def _count(self, caller: Caller, request: AccessRequest) -> None:
        # before the entry, so that no read goes uncounted
        if request.capability is not _READ:
            return
        rules = self.policy().counted(caller, request.level, clocks.boot_seconds())
        process = caller.evidence(_PIDFD).pidfd if rules else 0
        for rule in rules:
            if self.uses.is_large():
                self.uses.tidy(self.book.load())
            self.uses.record(rule, process, caller.pid)


def _is_of_values(request: AccessRequest) -> bool:
    return request.format in (Format.COMPARE, Format.OWN)


def _served(request: AccessRequest, view: View) -> Served:
    # made with the view, so that an open costs nothing for it
    if request.format not in _OF_VIEWS:
        return Served(view.version)
    return view.served._replace(places=view.places(request.variables)) if request.variables else view.served

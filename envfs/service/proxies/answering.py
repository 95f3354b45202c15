"""Answers to a proxy: whether a request may go on, and the certificate of a host.

Laws: each request is decided again, by the rules as they are then, and after a person's yes once more. Nothing is
admitted before its entry is in the log. A request that waits for a person keeps no other one waiting.
"""

import contextlib
import os
from functools import partial

import trio

from envfs.core import events
from envfs.core.access.verdict import Verdict
from envfs.errors import AuditUnavailable, EnvFSError
from envfs.gate.approvals.board import CallerLeft
from envfs.host import clocks
from envfs.host.callers import loopback_clients, rule_processes
from envfs.host.supervision import Tasks, supervised_nursery
from envfs.protocol.keyholding import IssueCertificate, LeafMade
from envfs.protocol.proxying import (
    AdmitRequest,
    ClientIdentified,
    IdentifyClient,
    IssueLeaf,
    LeafIssued,
    ReportRefusal,
    RequestAdmitted,
    RequestDenied,
    WithdrawRequest,
)
from envfs.proxy.hosts import parse_endpoint
from envfs.proxy.rules import ApprovalNeed
from envfs.service.proxies import approving
from envfs.service.proxy_processes.sessions import RunningSession
from envfs.service.service import Service

_FORBIDDEN, _UNAVAILABLE = 403, 503
_ENDED = "what lets this session have the values has ended"
_NO_TOKEN, _OF_STRANGER = "no-token", "no-token, by a client that did not show the session's"
_LOOK_SECONDS = 1.0


async def serve_session(service: Service, session: RunningSession) -> None:
    """Answer a proxy until it, its command or its right has ended."""
    async with supervised_nursery() as tasks:
        tasks.run(_watch, service, session)
        with contextlib.suppress(OSError):  # it ended before it had an answer
            await _answer(service, session, tasks)
        tasks.cancel()


async def _answer(service: Service, session: RunningSession, tasks: Tasks) -> None:
    async for message in session.process.messages():
        match message:
            case AdmitRequest():
                need = approving.need_of(session, message)
                if need is ApprovalNeed.NEVER:
                    await session.process.send(_admitted(service, session, message))
                else:
                    tasks.run(_ask_first, service, session, message, need)
            case WithdrawRequest():
                session.waiting.discard(message.number)
            case ReportRefusal():
                _refused(service, session, message)
            case IdentifyClient():
                tasks.run(_identify, service, session, message)
            case IssueLeaf():
                tasks.run(_issue, service, session, message)
            case _:
                return


def may_go_on(service: Service, session: RunningSession) -> bool:
    """Tell whether the caller of a session may still have its values."""
    verdict = service.open_vault.gate.judge_held(session.terms.caller, session.terms.access)
    return _is_enough(verdict)


def _is_enough(verdict: Verdict) -> bool:
    return verdict.is_served and not verdict.face.masked


async def _ask_first(service: Service, session: RunningSession, request: AdmitRequest, need: ApprovalNeed) -> None:
    answer: RequestAdmitted | RequestDenied
    session.waiting.add(request.number)
    try:
        question = await approving.ask_person(service, session, request, need)
        answer = _admitted(service, session, request, question)
    except approving.NotAllowed as refusal:
        session.refusals += 1
        _record_refusal(service, session, approving.refused_event(session.terms.access, request, refusal.rule))
        answer = RequestDenied(request.number, _FORBIDDEN, refusal.text, "not-approved")
    except CallerLeft:
        answer = RequestDenied(request.number, _FORBIDDEN, "the client has left", "not-approved")
    finally:
        session.waiting.discard(request.number)
    with contextlib.suppress(OSError):
        await session.process.send(answer)


def _admitted(
    service: Service, session: RunningSession, request: AdmitRequest, question: str = ""
) -> RequestAdmitted | RequestDenied:
    terms, gate = session.terms, service.open_vault.gate
    verdict = gate.judge_held(terms.caller, terms.access)
    if not _is_enough(verdict):
        _record_refusal(service, session, events.forward_refused(terms.access, request.method, "no right any more"))
        return RequestDenied(request.number, _FORBIDDEN, _ENDED)
    by = f", {question}" if question else ""
    target = f"{request.rule or 'no rule'}{by}: {request.host}{request.path}"
    try:
        if any(key in terms.canaries for key in request.keys):
            alarm = events.canary_read(terms.access, events.Served(0), verdict)
            gate.on_alarm(service.log.append(alarm, terms.caller))
        service.log.append(events.forwarded(terms.access, request.method, target, verdict.decision), terms.caller)
    except AuditUnavailable as error:
        return RequestDenied(request.number, _UNAVAILABLE, f"{error.text}, so nothing is sent")
    session.requests += 1
    return RequestAdmitted(request.number)


def _refused(service: Service, session: RunningSession, refusal: ReportRefusal) -> None:
    is_strangers = refusal.reason == _NO_TOKEN  # it may be anybody's who reaches the port
    session.refusals += not is_strangers
    reason = f"{refusal.host}{refusal.path}: {_OF_STRANGER if is_strangers else refusal.reason}"
    _record_refusal(service, session, events.forward_refused(session.terms.access, refusal.method, reason))


def _record_refusal(service: Service, session: RunningSession, event: events.Event) -> None:
    with contextlib.suppress(AuditUnavailable):  # the refusal stands all the same
        service.refusals.record(event, session.terms.caller)


async def _identify(service: Service, session: RunningSession, request: IdentifyClient) -> None:
    look, gathering = partial(_is_of_session, session, request.client_port), service.open_vault.approvals.gathering
    is_of_session = await gathering.look(look, session.terms.caller.uid)
    with contextlib.suppress(OSError):
        await session.process.send(ClientIdentified(request.number, bool(is_of_session)))


def _is_of_session(session: RunningSession, client_port: int) -> bool:
    # a process that has the token in its environment could show it
    token, client = session.terms.token, loopback_clients.socket_of(client_port, session.port)
    if client is None or token is None or not session.terms.caller.is_user(client.uid):
        return False
    return loopback_clients.has_variable_with(client, "HTTPS_PROXY", token.reveal())


async def _issue(service: Service, session: RunningSession, request: IssueLeaf) -> None:
    try:
        endpoint = parse_endpoint(request.host if ":" not in request.host else f"[{request.host}]")
        if not any(endpoint._replace(port=own.port).fits(own) for rule in session.terms.rules for own in rule.hosts):
            raise EnvFSError("no rule names this host")
        asked = IssueCertificate(session.terms.key, request.host, clocks.wall_ns() // 1_000_000_000)
        answer = await service.keyholder.ask(asked, LeafMade)
    except EnvFSError:
        with contextlib.suppress(OSError):
            text = "there is no certificate for the host"
            await session.process.send(RequestDenied(request.number, _UNAVAILABLE, text))
        return
    try:
        with contextlib.suppress(OSError):
            await session.process.send(LeafIssued(request.number), answer.descriptors[0])
    finally:
        os.close(answer.descriptors[0])


async def _watch(service: Service, session: RunningSession) -> None:
    # the end of the command is noticed at once, the end of a right within a second
    try:
        pidfd = os.pidfd_open(session.terms.process.pid)
    except OSError:
        session.end()
        return
    try:
        while rule_processes.lives(session.terms.process) and may_go_on(service, session):
            with trio.move_on_after(_LOOK_SECONDS):
                await trio.lowlevel.wait_readable(pidfd)
    finally:
        trio.lowlevel.notify_closing(pidfd)
        os.close(pidfd)
    session.end()

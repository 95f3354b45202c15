"""Requests of a proxy for which a person has to say yes, by the `approve` of their rules.

Laws: which requests these are is decided here, by the rules of the session, and not by its process. A yes to `each` is
for one request with one method, host, path and body. Without a person there is no yes.
"""

import os
import re

from envfs.core import events
from envfs.core.access_request import AccessRequest
from envfs.core.approvals.forwarding import ForwardedRequest
from envfs.core.approvals.question import Outcome
from envfs.errors import EnvFSError
from envfs.gate.approvals.board import Answer, CallerLeft, Patience
from envfs.protocol.proxying import AdmitRequest
from envfs.proxy.hosts import parse_endpoint
from envfs.proxy.rules import ApprovalNeed, approval_need
from envfs.service.proxy_processes.sessions import RunningSession
from envfs.service.service import Service

_NONCE_BYTES = 16
_DIGEST = re.compile("[0-9a-f]{64}")
_NOT_CERTAIN = "the request is not known well enough to ask a person for it"
_TEXTS = {
    Outcome.DENIED: "a person refused this request",
    Outcome.TIMED_OUT: "nobody answered in time whether this request may be sent",
    Outcome.NOBODY: "a person has to allow this request, and nobody is there to ask: start `envfs approvals watch`",
}


class NotAllowed(Exception):
    """A request got no yes. `text` is for the client, `rule` for the log."""

    def __init__(self, text: str, rule: str) -> None:
        """Say why."""
        super().__init__(text)
        self.text = text
        self.rule = rule


def need_of(session: RunningSession, request: AdmitRequest) -> ApprovalNeed:
    """Return when a person has to say yes to a request of a session."""
    if not request.keys:
        return ApprovalNeed.NEVER
    try:
        endpoint = parse_endpoint(request.host)
    except EnvFSError:
        return ApprovalNeed.EACH
    return approval_need(session.terms.rules, request.keys, endpoint, request.method, request.path)


async def ask_person(service: Service, session: RunningSession, request: AdmitRequest, need: ApprovalNeed) -> str:
    """Wait until a person said yes to a request. Return the name of the question.

    Raises:
        NotAllowed: nobody did
        CallerLeft: the client waits no more
    """
    terms, approvals = session.terms, service.open_vault.approvals
    verdict = service.open_vault.gate.judge_held(terms.caller, terms.access)
    patience = Patience(lambda: request.number not in session.waiting, lambda: terms.reason)
    access, forwarded = terms.access._replace(variables=()), _shown(session, request, need)
    try:
        answer = await approvals.ask(terms.caller, access, verdict, 0, patience, forwarded)
    except CallerLeft:
        raise
    except EnvFSError as error:
        raise NotAllowed(error.text, f"not asked: {error.text}") from None
    if answer.outcome is not Outcome.ALLOWED:
        raise NotAllowed(*_refusal(answer))
    return answer.question


def _shown(session: RunningSession, request: AdmitRequest, need: ApprovalNeed) -> ForwardedRequest:
    parts = (session.terms.key, request.rule, request.method, request.host, request.path)
    if need is ApprovalNeed.FIRST:
        return ForwardedRequest(*parts)
    if not _DIGEST.fullmatch(request.digest):
        raise NotAllowed(_NOT_CERTAIN, "not asked: its body is not known")
    nonce = os.urandom(_NONCE_BYTES).hex()
    return ForwardedRequest(*parts, request.query, request.media, request.digest, request.size, nonce)


def _refusal(answer: Answer) -> tuple[str, str]:
    rule = "nobody there to ask" if answer.outcome is Outcome.NOBODY else f"{answer.question} {answer.outcome}"
    return _TEXTS.get(answer.outcome, "nobody allowed this request"), rule


def refused_event(access: AccessRequest, request: AdmitRequest, rule: str) -> events.Event:
    """Return the entry of a request to which nobody said yes."""
    return events.forward_refused(access, request.method, f"{request.host}{request.path}: {rule}")

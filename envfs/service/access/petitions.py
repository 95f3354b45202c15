"""Petitions: a program asks a person for a right to values, or that a variable is set, and what a yes does.

Laws: to ask takes the names of the level. A yes gives a token that the asking program made, for some variables, for ten
minutes and no longer than the program runs. It takes the place of no other rule. The one who says yes may give that.
"""

import contextlib

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.access.face import PLAIN_FACE
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Rule
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.approvals.petition import Petition, PetitionKind
from envfs.core.approvals.question import Outcome, Question
from envfs.errors import AuditUnavailable, BadRequest, NotApproved, TooLarge
from envfs.gate.approvals.asking import refusal
from envfs.gate.approvals.board import Answer, Patience
from envfs.service.access import rights
from envfs.service.access.grants import check_giving, give_rule, with_end
from envfs.service.service import Service

_SECONDS = 600
_READ_BY_A_YES = frozenset((Capability.READ, Capability.NAMES))


async def ask_for(service: Service, caller: Caller, level: str, petition: Petition, patience: Patience) -> None:
    """Wait until a person did what a petition asks for.

    Raises:
        NotApproved: the caller may not have the names, or a person said no. That is on the log
        TimedOut, NobodyToAsk: nobody did it. That is on the log
        CallerLeft: the caller waits no more
    """
    open_vault = service.open_vault
    access = AccessRequest(level, Channel.SOCKET, Format.PETITION)
    open_vault.reader.check(caller, access)
    named = open_vault.gate.decide(caller, level, Capability.NAMES)
    if not (named.is_served and all(map(named.face.shows, petition.names))):
        open_vault.gate.refuse(caller, access, "no names")
    verdict = Verdict(Decision.ASK, "petition", PLAIN_FACE)
    if not open_vault.approvals.board.is_running:  # a daemon of one command: nobody could find the question
        service.refusals.record(events.refused(access, "nobody there to ask"), caller)
        raise refusal(Answer(Outcome.NOBODY, ""), level)[1]
    try:
        answer = await open_vault.approvals.ask(caller, access, verdict, len(petition.names), patience, petition)
    except (NotApproved, TooLarge) as error:
        service.refusals.record(events.refused(access, f"not asked: {error.text}"), caller)
        raise
    if answer.outcome is not Outcome.ALLOWED:
        rule, refused = refusal(answer, level)
        with contextlib.suppress(AuditUnavailable):
            service.refusals.record(events.refused(access, rule), caller)
        raise refused


async def give_petition(service: Service, caller: Caller, question: Question, petition: Petition) -> None:
    """Do what a yes to a petition does: give the right.

    Raises:
        BadRequest: a yes does nothing for it
        NotApproved: this caller may not give that
    """
    level, names = question.identity.level, ",".join(petition.names)
    if petition.kind is PetitionKind.SET:
        raise BadRequest(f"{question.name} asks for a value, and a yes gives none", f"`envfs set {level} {names}` does")
    if not rights.may(service, caller, Capability.GRANT, level):
        raise NotApproved(f"a right at {level} takes `grant` there", "ask the owner")
    rule = Rule(level, only=petition.names, can=_READ_BY_A_YES, token=petition.token, process=petition.process)
    await give_rule(service, caller, check_giving(service, caller, with_end(rule, _SECONDS)))

"""AnsweringProcess questions: who may, and what an answer does.

Laws: the one who answers is looked at when the answer comes, and must be the process that connected. A refused answer
is on the log. An answer is recorded before anybody is let go on.
"""

import os
from functools import partial

import trio

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.access.evidence import ProgramFile
from envfs.core.access.roles import Capability
from envfs.core.access.rule import Pin, Rule
from envfs.core.access.verdict import Decision
from envfs.core.approvals import approver
from envfs.core.approvals.approver import AGENTS, AnsweringProcess, AskingProcess
from envfs.core.approvals.question import ApprovalScope, Question
from envfs.errors import BadRequest, Conflict, NoSuchLevel, NotApproved
from envfs.host import programs
from envfs.host.callers import lineages
from envfs.host.callers.peers import Peer
from envfs.service.access import rights
from envfs.service.access.grants import check_giving, give_rule
from envfs.service.access.petitions import give_petition
from envfs.service.service import Service

_NOBODY = AnsweringProcess((), None, None)
_READ_BY_A_YES = frozenset((Capability.READ, Capability.NAMES))  # and not what a level had in the past


def may_answer(service: Service, caller: Caller, question: Question) -> bool:
    """Tell whether a caller has the capability to answer a question."""
    return rights.may(service, caller, Capability.APPROVE, question.identity.level)


def find_question(service: Service, caller: Caller, name: str) -> Question:
    """Return the open question of a name such as q7.

    Raises:
        NoSuchLevel: there is none that this caller may answer
    """
    questions = service.open_vault.approvals.board.questions()
    question = next((question for question in questions if question.name == name), None)
    if question is None or not may_answer(service, caller, question):
        raise NoSuchLevel("there is no open question of that name", "`envfs approvals ls` lists them")
    return question


async def answer_question(
    service: Service, caller: Caller, peer: Peer, name: str, scope: ApprovalScope | None
) -> ApprovalScope | None:
    """Say yes to a question, for a scope, or no. Return what the yes allows: one for once the least that it can.

    Raises:
        NoSuchLevel: it is not open
        NotApproved: this process may not answer it. That is on the log
        BadRequest: a yes cannot allow that
    """
    board = service.open_vault.approvals.board
    question = find_question(service, caller, name)
    reason = await reason_to_refuse(service, caller, peer, question)
    find_question(service, caller, name)  # it may have ended meanwhile
    if reason:
        service.refusals.record(events.refused_answer(question.request, question.name, reason), caller)
        raise NotApproved(f"this process may not answer {name}: {reason}", _hint(name))
    if scope is None:
        board.deny(question, caller)
        await service.after_revoke()  # what was allowed to the same program before has ended
        return None
    if question.identity.petition is not None:
        await give_petition(service, caller, question, question.identity.petition)
        find_question(service, caller, name)
    if scope is ApprovalScope.ONCE:
        scope = question.choices[0]
    if scope not in question.choices:
        raise BadRequest(f"a yes to {name} cannot allow that", f"it can allow {', '.join(question.choices)}")
    if scope is ApprovalScope.ALWAYS:
        await _write_rule(service, caller, question)
        find_question(service, caller, name)
    board.allow(question, scope, caller)
    return scope


async def _write_rule(service: Service, caller: Caller, question: Question) -> None:
    identity = question.identity
    if not rights.may(service, caller, Capability.GRANT, identity.level):
        raise NotApproved(f"a rule about {identity.level} takes `grant` there", "answer for less, or ask the owner")
    pins = [await _pin(file) for file in (identity.program, identity.script) if file is not None]
    rule = Rule(
        identity.level,
        identity.uid,
        exe=pins[0],
        script=pins[1] if identity.script is not None else None,
        can=_READ_BY_A_YES,
        dialect=identity.face.dialect,
        only=identity.face.only,
        decision=Decision.MASK if identity.face.masked else Decision.ALLOW,
    )
    await give_rule(service, caller, check_giving(service, caller, rule))


async def _pin(file: ProgramFile) -> Pin:
    # what ran must be what the rule is about: the file that is at the path, before and after its content is read
    digest = await trio.to_thread.run_sync(programs.digest_at, file.path)
    try:
        status = os.stat(file.path)
    except OSError:
        status = None
    is_file = status is not None and (status.st_dev, status.st_ino) == (file.device, file.inode)
    if not digest or digest != file.sha256 or not is_file:
        raise Conflict("the program is not the file at its path any more", "answer for once, or for the process")
    return Pin(file.path, digest)


async def reason_to_refuse(service: Service, caller: Caller, peer: Peer, question: Question) -> str:
    """Say why the process at the other end may not answer. Empty if it may."""
    look = partial(_look, peer)
    answering = await service.open_vault.approvals.gathering.look(look, caller.uid) or _NOBODY
    agents = (*AGENTS, *service.settings.load().approvals.agents)
    joined = service.open_vault.approvals.board.askers(question)
    for lineage in dict.fromkeys((question.sighting.lineage, *joined)):
        cgroup = question.caller.cgroup if lineage == question.sighting.lineage else ""
        asking = AskingProcess(lineage, question.seconds, question.wall_ns, cgroup)
        if reason := approver.reason_to_refuse(answering, asking, agents):
            return reason
    return ""


def _look(peer: Peer) -> AnsweringProcess:
    lineage = lineages.lineage_of(peer.pid())
    if not lineage or peer.pid() != lineage[0].pid:
        return _NOBODY
    leader = next((process for process in lineage if process.pid == lineage[0].session), None)
    terminal, cgroup = lineages.terminal_of(lineage[0]), lineages.cgroup_of(lineage[0].pid)
    return AnsweringProcess(lineage, leader or lineages.process_at(lineage[0].session), terminal, cgroup)


def _hint(name: str) -> str:
    return f"answer from a terminal that was open before the question: `envfs approvals respond {name} yes`"

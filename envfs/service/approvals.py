"""AnsweringProcess questions: who may, and what an answer does.

Laws: the one who answers is looked at when the answer comes, and must be the process that connected. A refused answer
is on the log. An answer is recorded before anybody is let go on.
"""

from functools import partial

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.approvals import approver
from envfs.core.approvals.approver import AGENTS, AnsweringProcess, AskingProcess
from envfs.core.approvals.question import ApprovalScope, Question
from envfs.errors import BadRequest, NoSuchLevel, NotApproved
from envfs.gate.approvals.board import Board
from envfs.host import lineages
from envfs.host.peers import Peer
from envfs.service.service import Service

_NOBODY = AnsweringProcess((), None, None)


def find_question(board: Board, name: str) -> Question:
    """Return the open question of a name such as q7.

    Raises:
        NoSuchLevel: there is none
    """
    question = next((question for question in board.questions() if question.name == name), None)
    if question is None:
        raise NoSuchLevel("there is no open question of that name", "`envfs approvals ls` lists them")
    return question


async def answer_question(
    service: Service, caller: Caller, peer: Peer, name: str, scope: ApprovalScope | None
) -> Question:
    """Say yes to a question, for a scope, or no.

    Raises:
        NoSuchLevel: it is not open
        NotApproved: this process may not answer it. That is on the log
        BadRequest: a yes cannot allow that
    """
    board = service.open_vault.approvals.board
    question = find_question(board, name)
    reason = await reason_to_refuse(service, caller, peer, question)
    find_question(board, name)  # it may have ended meanwhile
    if reason:
        service.refusals.record(events.refused_answer(question.request, question.name, reason), caller)
        raise NotApproved(f"this process may not answer {name}: {reason}", _hint(name))
    if scope is None:
        board.deny(question, caller)
        await service.after_revoke()  # what was allowed to the same program before has ended
        return question
    if scope not in question.choices:
        raise BadRequest(f"a yes to {name} cannot allow that", f"it can allow {', '.join(question.choices)}")
    board.allow(question, scope, caller)
    return question


async def reason_to_refuse(service: Service, caller: Caller, peer: Peer, question: Question) -> str:
    """Say why the process at the other end may not answer. Empty if it may."""
    look = partial(_look, peer)
    answering = await service.open_vault.approvals.gathering.look(look, caller.uid) or _NOBODY
    asking = AskingProcess(question.sighting.lineage, question.seconds, question.wall_ns)
    agents = (*AGENTS, *service.settings.load().approvals.agents)
    return approver.reason_to_refuse(answering, asking, agents)


def _look(peer: Peer) -> AnsweringProcess:
    lineage = lineages.lineage_of(peer.pid())
    if not lineage or peer.pid() != lineage[0].pid:
        return _NOBODY
    leader = next((process for process in lineage if process.pid == lineage[0].session), None)
    return AnsweringProcess(
        lineage, leader or lineages.process_at(lineage[0].session), lineages.terminal_of(lineage[0])
    )


def _hint(name: str) -> str:
    return f"answer from a terminal that was open before the question: `envfs approvals respond {name} yes`"

"""Requests about questions to a person: list, show, answer and watch them."""

import pwd

import trio

from envfs.control.call import Call, Sent
from envfs.core.approvals.forwarding import ForwardedRequest
from envfs.core.approvals.lineage import Process
from envfs.core.approvals.question import ApprovalScope, Outcome, Question, process_words
from envfs.dotenv.placeholders.redaction import redact_credentials
from envfs.errors import BadRequest, NotRunning
from envfs.gate.approvals.board import Board
from envfs.host import clocks
from envfs.protocol.control import (
    Done,
    ForwardFact,
    ListApprovals,
    PetitionFact,
    ProcessFact,
    QuestionRow,
    RespondApproval,
    ShowApproval,
    WatchApprovals,
)
from envfs.service.access.approvals import answer_question, find_question, may_answer

_LOOK_AGAIN = 0.5  # whether the client is still there
_OPEN = "open"
_EFFECTS = {
    ApprovalScope.ONCE: "each open that waited goes on",
    ApprovalScope.PROCESS: "the processes that waited may read it as long as they run",
    ApprovalScope.EXECUTABLE: "this program may read it for 10 minutes, as this user",
    ApprovalScope.ALWAYS: "a rule allows it from now on: `envfs grants`",
}
_RIGHT = "the program's commands may read these for 10 minutes: `envfs token ls`"
_EFFECTS_ON_REQUESTS = {
    ApprovalScope.ONCE: "that request goes on, and no other one",
    ApprovalScope.PROCESS: "requests with this method, host and path go on until the command ends",
}


async def list_approvals(call: Call, _request: ListApprovals) -> Sent:
    """Send the questions that wait."""
    board = _board(call)
    board.note_person()
    await call.send_rows(_row(board, question) for question in board.questions() if _may(call, question))
    return Sent(Done())


async def show_approval(call: Call, request: ShowApproval) -> Sent:
    """Send one question that waits. Raises NoSuchLevel if there is none of that name."""
    board = _board(call)
    board.note_person()
    question = find_question(call.service, call.caller, request.question)
    await call.send_row(_row(board, question))
    return Sent(Done())


async def respond_approval(call: Call, request: RespondApproval) -> Sent:
    """Answer a question. Raises BadRequest for a scope that there is not, NotApproved if this client may not answer."""
    if request.scope and request.scope not in tuple(ApprovalScope):
        raise BadRequest("a yes cannot allow that", f"it can allow {', '.join(ApprovalScope)}")
    scope = ApprovalScope(request.scope) if request.scope else None
    _board(call).note_person()
    question = find_question(call.service, call.caller, request.question)
    allowed = await answer_question(call.service, call.caller, call.peer, request.question, scope)
    effects = _EFFECTS if question.identity.forwarded is None else _EFFECTS_ON_REQUESTS
    if allowed is not None and question.identity.petition is not None:
        return Sent(Done((_RIGHT,)))
    return Sent(Done((effects[allowed],) if allowed is not None else ()))


async def watch_approvals(call: Call, _request: WatchApprovals) -> Sent:
    """Send a row for each question that waits, is asked or ends, until the client leaves.

    Raises:
        NotRunning: this daemon serves one command alone, so nobody asks here
    """
    board = _board(call)
    if not board.is_running:
        raise NotRunning("no daemon runs here that could ask", "start it with `envfs mount`")
    with board.watch() as watch:
        while not call.wants_no_more():
            with trio.move_on_after(_LOOK_AGAIN):
                await watch.wait()
            for change in watch.take():
                if not _may(call, change.question):
                    continue
                await call.send_row(_row(board, change.question, change.outcome, change.answered_by))
    return Sent(Done())


def _may(call: Call, question: Question) -> bool:
    return may_answer(call.service, call.caller, question)


def _board(call: Call) -> Board:
    return call.service.open_vault.approvals.board


def _row(board: Board, question: Question, outcome: Outcome | None = None, answered_by: int = -1) -> QuestionRow:
    sighting, request = question.sighting, question.request
    forwarded, petition = question.identity.forwarded, question.identity.petition
    return QuestionRow(
        question=question.name,
        state=outcome or _OPEN,
        uid=question.identity.uid,
        user=_user(question.identity.uid),
        level=question.identity.level,
        version=request.version,
        format=request.format,
        channel=request.channel,
        variables=question.variables,
        program=redact_credentials(sighting.program.path),
        script=redact_credentials(sighting.script.path) if sighting.script else "",
        folder=redact_credentials(sighting.folder),
        unit=redact_credentials(sighting.unit),
        reason=redact_credentials(sighting.reason),
        processes=tuple(map(_fact, sighting.lineage)),
        waiting=board.waiting(question),
        asked=clocks.time_text(clocks.moment_of(question.wall_ns)),
        seconds_left=max(0, round(question.until - clocks.boot_seconds())),
        choices=question.choices,
        answered_by=answered_by,
        forward=None if forwarded is None else _forward(forwarded),
        petition=None if petition is None else PetitionFact(petition.kind, petition.names),
    )


def _forward(request: ForwardedRequest) -> ForwardFact:
    words = (request.rule, request.method, redact_credentials(request.url), request.media, request.digest)
    return ForwardFact(*words, size=request.size, is_alone=bool(request.nonce))


def _fact(process: Process) -> ProcessFact:
    return ProcessFact(process.pid, process.uid, redact_credentials(process_words(process)), process.terminal != 0)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""

"""`approvals`: list the questions of programs that wait for a person, show, answer or watch them.

Law: an answer names its question. So no key that was pressed before a question came can answer it.
"""

import os
import select
import sys

from envfs.errors import BadRequest, EnvFSError, KeyholderGone
from envfs.protocol import control, wire
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.closed_sets import Unhandled
from envfs_cli.daemon import client
from envfs_cli.grammar.words import SCOPES
from envfs_cli.replies import questions
from envfs_cli.replies.written import print_notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from envfs_cli.grammar.words import Scope


_HEADS = ("QUESTION", "LEVEL", "USER", "PROGRAM", "REASON", "WAITING", "LEFT")
_LINE_BYTES = 4096


class ApprovalsArguments(NamedTuple):
    """The arguments of `approvals`."""

    action: "Literal['ls', 'show', 'respond', 'watch'] | None"
    question: str | None
    answer: "Literal['yes', 'no'] | None"
    for_: "Scope | None"
    json: bool


def run_approvals(arguments: ApprovalsArguments) -> int:
    """List questions, show one, answer one, or watch them."""
    _check_words(arguments)
    match arguments.action:
        case None | "ls":
            _print_questions(control.ListApprovals(), as_json=arguments.json)
        case "show":
            _show(arguments.question or "", as_json=arguments.json)
        case "respond":
            scope = (arguments.for_ or "once") if arguments.answer == "yes" else ""
            print_notes(_reply(control.RespondApproval(arguments.question or "", scope)))
        case "watch":
            _watch(as_json=arguments.json)
        case _:
            raise Unhandled(arguments.action)
    return 0


def _check_words(arguments: ApprovalsArguments) -> None:
    needs_question = arguments.action in ("show", "respond")
    if needs_question and not arguments.question:
        raise BadRequest("which question?", "`envfs approvals ls` lists them")
    if arguments.action == "respond" and not arguments.answer:
        raise BadRequest("yes or no?", f"as in `envfs approvals respond {arguments.question} no`")
    if (not needs_question and arguments.question) or (arguments.action != "respond" and arguments.answer):
        raise BadRequest("there are more words than the action takes", "`envfs approvals --help` explains each")
    if arguments.for_ and arguments.answer != "yes":
        raise BadRequest("--for says what a yes allows", "leave it out")


def _reply(request: "NamedTuple") -> object:
    return client.need_running().ask(request)[0]


def _rows(request: "NamedTuple") -> "list[control.QuestionRow]":
    rows: list[object] = []
    client.need_running().ask(request, (), rows.append)
    return [row for row in rows if isinstance(row, control.QuestionRow)]


def _print_questions(request: "NamedTuple", *, as_json: bool) -> None:
    rows = _rows(request)
    if as_json:
        output.rows_json(rows)
    else:
        output.print_table(_HEADS, [questions.question_cells(row) for row in rows], none="no question waits")


def _show(name: str, *, as_json: bool) -> None:
    for row in _rows(control.ShowApproval(name)):
        if as_json:
            output.message_json(row)
        else:
            _print_block(row)


def _print_block(row: control.QuestionRow) -> None:
    for line in questions.question_lines(row):
        output.print_line(line)
    output.flush()


def _watch(*, as_json: bool) -> None:
    takes_answers = not as_json and sys.stdin is not None and sys.stdin.isatty() and output.on_terminal()
    if takes_answers:
        output.done("questions appear here; answer with a line such as `q7 once`, `q7 process` or `q7 no`")
    link = client.need_running()
    link.begin(control.WatchApprovals())
    poll = select.poll()
    poll.register(link.fileno(), select.POLLIN)
    if takes_answers:
        poll.register(0, select.POLLIN)
    while True:
        for source, _ in poll.poll():
            if source == 0:
                if not _take_answer():
                    poll.unregister(0)
                continue
            rows = link.come()
            if rows is None:
                raise KeyholderGone("the daemon disconnected", "`envfs status` and the daemon's log may say why")
            for row in rows:
                if isinstance(row, control.QuestionRow):
                    _print_change(row, as_json=as_json)


def _print_change(row: control.QuestionRow, *, as_json: bool) -> None:
    if as_json:
        output.as_json(wire.fields_of(row))
        output.flush()
    elif row.state == questions.OPEN:
        _print_block(row)
    else:
        output.print_row(questions.end_words(row))


def _take_answer() -> bool:
    # a line of the terminal. At its end no more answers come, and questions are shown on
    data = os.read(0, _LINE_BYTES)
    words = data.decode(errors="replace").split()
    if words:
        _answer(words)
    return bool(data)


def _answer(words: "list[str]") -> None:
    name, *answer = words
    scope = {"no": "", "yes": "once"}.get(answer[0], answer[0]) if len(answer) == 1 else None
    if scope is None or (scope and scope not in SCOPES):
        output.hint(f"answer with a line such as `q7 no`, or `q7` and one of {', '.join(SCOPES)}")
        return
    try:
        print_notes(_reply(control.RespondApproval(name, scope)))
    except EnvFSError as error:
        output.error(error)

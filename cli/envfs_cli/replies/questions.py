"""A question to a person, in words: who asks, for what, why, and what a yes can allow.

Law: every text of it that somebody else chose is made visible, letter by letter: it never reaches a terminal raw.
"""

from envfs.protocol import control
from envfs_cli import line_wrap, output

OPEN = "open"
_INDENT, _NARROWEST = 10, 30
_CHOICES = {
    "once": "those that wait now",
    "process": "while it runs",
    "executable": "for 10 minutes",
    "always": "writes a rule",
}
_CHOICES_OF_REQUESTS = {"once": "this request alone", "process": "while the command runs"}
_SET = "set"
_ENDS = {
    "allowed": "was allowed",
    "denied": "was refused",
    "timed-out": "ended: nobody answered in time",
    "withdrawn": "ended: the program waits no more",
}


def question_lines(row: control.QuestionRow) -> "list[str]":
    """Return an open question as lines for a terminal."""
    lines = [output.paint(output.clean(f"{row.question} {purpose_words(row)}"), "head")]
    for name, text in question_facts(row, output.shown_time(row.asked)):
        lines += _folded(name, text) if text else []
    if command := set_command(row):
        lines.append(output.clean(f"  {'do':<8}{command}"))
    return [*lines, *(_choice(row, scope) for scope in row.choices), f"  {'no':<8}{_respond(row)} no"]


def purpose_words(row: control.QuestionRow) -> str:
    """Return what a question is for, to be read behind its name."""
    return f"asks for {row.level}" if row.forward is None else f"asks to send a value of {row.level}"


def question_facts(row: control.QuestionRow, asked: str) -> "list[tuple[str, str]]":
    """Return all that a person is shown of a question: names and texts. An empty name belongs to the one before.

    `asked` is the time of the question, as it is shown. An empty text is none.
    """
    return [
        ("who", f"{_user(row)}  {_words(row)}"),
        ("folder", row.folder),
        ("unit", row.unit if row.unit != "/" else ""),
        ("why", row.reason or "no reason was given"),
        *_subject(row),
        ("waits", f"{row.waiting} since {asked}, for {row.seconds_left} s more"),
        *(
            ("" if number else "from", f"{process.pid} {process.words}{_mark(process)}")
            for number, process in enumerate(row.processes[1:])
        ),
    ]


def set_command(row: control.QuestionRow) -> str:
    """Return the command with which a person sets what a petition asks to be set. Empty for another question."""
    if row.petition is None or row.petition.kind != _SET:
        return ""
    return f"envfs set {row.level} {','.join(row.petition.names)}"


def _petition_words(petition: control.PetitionFact) -> str:
    names = ", ".join(petition.names)
    if petition.kind == _SET:
        return f"that you set {names}; the program does not get the value by it"
    return f"{names}: its commands may read them for 10 minutes, by a token"


def _subject(row: control.QuestionRow) -> "list[tuple[str, str]]":
    if row.petition is not None:
        return [("what", _petition_words(row.petition))]
    if row.forward is None:
        return [("what", f"{row.format} of {row.level}{_version(row)}: {row.variables} variables")]
    sent, request = row.forward, f"{row.forward.method} {row.forward.url}"
    if not sent.is_alone:
        return [("what", f"{request}, and all like it while the command runs"), ("rule", sent.rule)]
    body = f"{sent.size} bytes{f' of {sent.media}' if sent.media else ''}, SHA-256 {sent.digest}"
    return [("what", request), ("body", body), ("rule", sent.rule)]


def _folded(name: str, text: str) -> "list[str]":
    # a terminal would go on at its left edge, where the lines of a question begin: a text could look like another line
    room = max(_NARROWEST, line_wrap.terminal_width() - _INDENT)
    pieces, piece, width = [], "", 0
    for letter in output.clean(text):
        columns = 1 if letter.isascii() else 2
        if width + columns > room:
            pieces.append(piece)
            piece, width = "", 0
        piece, width = piece + letter, width + columns
    return [f"  {name:<8}{part}" if not at else f"{'':>8}| {part}" for at, part in enumerate([*pieces, piece])]


def end_words(row: control.QuestionRow) -> str:
    """Return in words how a question ended."""
    by = f" by uid {row.answered_by}" if row.answered_by >= 0 else ""
    return output.clean(f"{row.question} {_ENDS.get(row.state, 'ended')}{by}")


def question_cells(row: control.QuestionRow) -> "tuple[str, ...]":
    """Return an open question as the cells of a table's row."""
    return (
        row.question,
        row.level,
        _user(row),
        _words(row),
        row.reason or "-" if row.forward is None else f"{row.forward.method} {row.forward.url}",
        str(row.waiting),
        f"{row.seconds_left} s",
    )


def _choice(row: control.QuestionRow, scope: str) -> str:
    suffix = "" if scope in ("once", row.choices[0]) else f" --for {scope}"
    note = output.paint(output.clean(f"  # {choice_words(row, scope)}"), "dim")
    return f"  {'yes' if scope == row.choices[0] else '':<8}{_respond(row)} yes{output.clean(suffix)}{note}"


def choice_words(row: control.QuestionRow, scope: str) -> str:
    """Return what a yes of a scope allows."""
    if row.petition is not None:
        return "gives that right"
    return (_CHOICES if row.forward is None else _CHOICES_OF_REQUESTS).get(scope, scope)


def _respond(row: control.QuestionRow) -> str:
    return output.clean(f"envfs approvals respond {row.question}")


def asker_words(row: control.QuestionRow) -> str:
    """Return who asks, with which program."""
    return f"{_user(row)}, {_words(row)}"


def _user(row: control.QuestionRow) -> str:
    return f"{row.user} (uid {row.uid})" if row.user else f"uid {row.uid}"


def _words(row: control.QuestionRow) -> str:
    program = row.processes[0].words if row.processes else row.program
    return f"{program} (pid {row.processes[0].pid})" if row.processes else program


def _version(row: control.QuestionRow) -> str:
    return f"@{row.version}" if row.version else ""


def _mark(process: control.ProcessFact) -> str:
    return " [terminal]" if process.terminal else ""

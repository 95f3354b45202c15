"""The status line below the prompt, in words: facts in, pieces with a style out, as many as the width takes.

Law: what needs a person (a question, a conflict, a lock, a problem) is the last to be left out.
"""

from envfs.core import names
from envfs.protocol import control
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_GAP, _EDGE = "  ", " "
_ENGINES = {  # of the engine, by its state: long, short, whether it is as it should be
    "connected": ("engine connected", "engine ok", True),
    "connecting": ("engine connecting", "engine …", True),
    "idle": ("engine idle", "engine idle", True),
    "locked": ("engine waits for unlock", "engine waits", False),
    "away": ("engine away", "engine away", False),
}
_LOCKED_PROBLEM = "the vault is locked"


class ShellFacts(NamedTuple):
    """The facts of a moment. `row` is None without a daemon (`is_away`), or before it has told anything.

    `is_own`: it is of a daemon that this shell keeps. `is_silent`: that daemon does not answer any more.
    """

    level: str
    row: "control.StatusRow | None"
    questions: int = 0
    is_own: bool = False
    has_vault: bool = True
    is_away: bool = True
    is_silent: bool = False


class Piece(NamedTuple):
    """A piece of the line: in full, in short, its style (a class of the editor), and how much it matters."""

    full: str
    short: str
    style: str
    weight: int


def status_pieces(facts: ShellFacts) -> "list[Piece]":
    """Return the pieces of the line, in their order."""
    level = Piece(facts.level, _shortened(facts.level), "head", 9)
    if facts.row is None and not facts.is_away:
        return [level]
    if facts.row is None:
        text = "no daemon" if facts.has_vault else "no vault: `init` makes one"
        return [level, Piece(text, text, "bad", 5)]
    return [level, *_lock(facts, facts.row), *_questions(facts.questions), *_engine(facts.row), *_health(facts)]


def _shortened(level: str) -> str:
    first, _, last = level.rpartition("/")
    return f"…/{last}" if first else level


def _lock(facts: ShellFacts, row: control.StatusRow) -> "Iterable[Piece]":
    if row.audience == "other":
        return ()
    if not row.unlocked:
        return (Piece("locked: `unlock`", "locked", "bad", 8),)
    if names.project(names.parse_level(facts.level)) in row.locked:
        return (Piece("project locked: `unlock PROJECT`", "project locked", "bad", 8),)
    return (Piece("unlocked", "unlocked", "good", 4),)


def _questions(count: int) -> "Iterable[Piece]":
    if not count:
        return ()
    return (Piece(f"{_waiting(count)}: F2 answers", f"{count} asked: F2", "warn", 9),)


def _waiting(count: int) -> str:
    return "1 question waits" if count == 1 else f"{count} questions wait"


def _engine(row: control.StatusRow) -> "Iterable[Piece]":
    if not row.engine:
        return ()
    full, short, is_well = _ENGINES.get(row.engine, (f"engine {row.engine}", "engine", False))
    wait = f", {row.waiting} to send" if row.waiting else ""
    pieces = [Piece(full + wait, short + wait, "good" if is_well else "warn", 3 if is_well else 6)]
    if row.conflicts:
        text = "1 conflict" if row.conflicts == 1 else f"{row.conflicts} conflicts"
        pieces.append(Piece(f"{text}: `sync status`", text, "bad", 7))
    return pieces


def _health(facts: ShellFacts) -> "Iterable[Piece]":
    row = facts.row
    problems = [text for text in row.problems if not text.startswith(_LOCKED_PROBLEM)] if row is not None else []
    if problems:
        text = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        return (Piece(f"{text}: `status`", text, "bad", 7),)
    if facts.is_silent:
        return (Piece("daemon does not answer", "daemon silent", "bad", 8),)
    if facts.is_own:
        return (Piece("daemon of this shell", "own daemon", "dim", 2),)
    return (Piece("daemon well", "daemon well", "good", 1),)


def fitted_pieces(pieces: "Iterable[Piece]", width: int) -> "list[tuple[str, str]]":
    """Return texts with their styles that fit a width: the ones that matter least are shortened, then left out."""
    shown = [(piece, piece.full) for piece in pieces]
    by_weight = sorted(range(len(shown)), key=lambda at: shown[at][0].weight)
    for at in by_weight:
        if _width(text for _, text in shown) <= width:
            break
        shown[at] = (shown[at][0], shown[at][0].short)
    while len(shown) > 1 and _width(text for _, text in shown) > width:
        shown.remove(min(shown, key=lambda one: one[0].weight))
    return [(piece.style, text[: width - 2 * len(_EDGE)]) for piece, text in shown]


def _width(texts: "Iterable[str]") -> int:
    lengths = [len(text) for text in texts]
    return sum(lengths) + len(_GAP) * (len(lengths) - 1) + 2 * len(_EDGE)


def line_words(facts: ShellFacts) -> str:
    """Return what needs a person in a few words, for a terminal without a status line and without keys."""
    pieces = [piece for piece in status_pieces(facts._replace(questions=0))[1:] if piece.style in ("bad", "warn")]
    asked = [_waiting(facts.questions)] if facts.questions else []
    return ", ".join([*asked, *(piece.short for piece in pieces)])

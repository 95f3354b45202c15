"""The problems of a view: what its references lead to, what programs would misread. No value."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.replies.facts import chain_words


class Problem(NamedTuple):
    """A problem of a view. `kind` is one of the words of `check`, `error` tells those that fail it."""

    kind: str
    name: str
    text: str
    error: bool


def view_problems(
    facts: "list[control.FactsRow]",
    dangling: "list[control.DanglingRow]",
    directives: "list[control.WrongDirectiveRow]",
) -> "list[Problem]":
    """Return the problems that the facts about a view come to."""
    return [
        *(Problem(row.kind, row.chain[0], chain_words(row), error=True) for row in dangling),
        *(problem for row in facts for problem in _doubtful(row)),
        *(Problem("directive", row.level, _directive_words(row), error=False) for row in directives),
    ]


def _directive_words(row: control.WrongDirectiveRow) -> str:
    return f"line {row.line}, column {row.column}: {row.text}"


def _doubtful(row: control.FactsRow) -> "list[Problem]":
    from envfs.core import dangerous_names

    problems = []
    if dangerous_names.is_dangerous(row.name):
        problems.append(Problem("dangerous", row.name, "it changes how programs run, or which", error=False))
    if row.refused:
        text = f"{row.refused.removeprefix('has ')}: no view in this dialect can be made"
        problems.append(Problem("refused", row.name, text, error=True))
    if row.empty:
        problems.append(Problem("empty", row.name, "", error=False))
    return problems + [Problem("misread", row.name, text, error=False) for text in row.doubts]

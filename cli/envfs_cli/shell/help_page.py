"""`help` of the shell: the names of the grammar's commands by group, what the shell has of its own, and its keys.

Law: what differs from the command line comes last, as a terminal of 24 lines shows the end of a page.
"""

from envfs_cli import output
from envfs_cli.grammar import GROUPS
from envfs_cli.shell import builtins

_COLUMN = 12
_KEYS = (
    ("Tab", "complete a command, an option, a level, a version, a name, a user or a file"),
    ("Up, Ctrl-R", "the lines before, and a search in them"),
    ("F2, Alt-A", "answer the question of a program"),
    ("Ctrl-C", "drop the line, or end the command that runs"),
    ("Ctrl-D", "leave"),
)
_RELATIVE = (
    "A level is relative to where you are, and you may leave it out. `help NAME` explains a command, with examples."
)


def print_help() -> None:
    """Print it."""
    _print_head("Commands of envfs")
    for group, title in GROUPS:
        words = [command.name for command in builtins.TABLE if command.group == group]
        _print_row(title.partition(",")[0], " ".join(words))
    _print_head("Commands of this shell")
    for command in builtins.BUILTINS:
        _print_row(command.name, command.summary)
    _print_head("Keys")
    for keys, meaning in _KEYS:
        _print_row(keys, meaning)
    output.print_line("")
    for line in output.lines_below("", _RELATIVE):
        output.print_line(line)


def _print_head(text: str) -> None:
    output.print_line(output.paint(text, "head"))


def _print_row(word: str, text: str) -> None:
    output.print_field("  ", word.ljust(_COLUMN), "", text)

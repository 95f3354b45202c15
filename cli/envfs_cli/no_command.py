"""The answer to a line that names no command, or none of ours: help, the version, or a suggestion."""

from envfs import __version__
from envfs_cli import arguments, grammar, help_text, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAPS = " " * 4  # before and behind a word
_ELSEWHERE = {  # what other tools call it
    "add": "set",
    "cat": "show",
    "config": "status",
    "delete": "unset",
    "env": "export",
    "list": "ls",
    "load": "import",
    "new": "init",
    "print": "export",
    "remove": "unset",
    "reveal": "show",
    "start": "mount",
    "stop": "unmount",
    "tree": "ls",
    "undo": "rollback",
    "unlink": "link --remove",
    "version": "--version",
}
_ABOUT = "EnvFS serves .env files from memory, over a vault of ciphertext."
_BEGIN = (
    ("envfs init", "make a vault, and the identity that opens it"),
    ("envfs mount", "start the daemon, which serves the vault as files"),
    ("envfs link /app --import", "in a project's folder: its .env goes into the vault, and becomes a view of it"),
    ("envfs exec /app -- COMMAND", "run a command with the variables in its environment; no daemon is needed"),
)


def answer_without_command(words: "Sequence[str]") -> int:
    """Answer a line that does not start with a command."""
    first = words[0] if words else "--help"
    if first in ("--version", "-V"):
        return _version(words[1:])
    if first in ("--help", "-h", "help"):
        return _help(words[1:])
    output.error(unknown_command(first))
    return arguments.Mistake.status


def _version(words: "Sequence[str]") -> int:
    if words == ["--json"]:
        import os
        import sys

        home = os.path.dirname(os.path.abspath(__file__))
        python = sys.version.partition(" ")[0]
        output.as_json({"release": __version__, "python": python, "installed": home, "json": output.JSON_SHAPES})
    else:
        output.print_line(f"envfs {__version__}")
    return 0


def _help(words: "Sequence[str]") -> int:
    command = grammar.find_command(words[0]) if words else None
    if words and command is None and not words[0].startswith("-"):
        output.error(unknown_command(words[0]))
        return arguments.Mistake.status
    output.print_line(arguments.command_parser(command).format_help().rstrip() if command else command_overview())
    return 0


def unknown_command(word: str) -> "arguments.Mistake":
    """Return the refusal of a word that names no command, with the command that is nearest to it."""
    import difflib

    near = [_ELSEWHERE[word]] if word in _ELSEWHERE else []
    near += difflib.get_close_matches(word, [command.name for command in grammar.all_commands()], 1)
    hint = f"did you mean `envfs {near[0]}`?" if near else "`envfs --help` lists the commands"
    return arguments.Mistake("there is no such command", hint)


def command_overview() -> str:
    """Return the list of commands, by group."""
    lines = ["usage: envfs COMMAND ...", "", *help_text.fill_paragraph(_ABOUT), ""]
    lines += [output.paint("To begin", "head"), *help_text.two_columns(_BEGIN, _width(word for word, _ in _BEGIN)), ""]
    column = _width(word for command in grammar.all_commands() for word, _ in _names(command))
    for group, title in grammar.GROUPS:
        commands = [command for command in grammar.all_commands() if command.group == group]
        first, *others = help_text.fill_paragraph(f"{title}, as in `{min(commands[0].examples, key=len)}`")
        lines += [output.paint(title, "head") + first.removeprefix(title), *others]
        lines += [*help_text.two_columns((pair for command in commands for pair in _names(command)), column), ""]
    lines += help_text.fill_paragraph("`envfs COMMAND --help` explains one, with examples.")
    lines += help_text.fill_paragraph("Exit statuses: docs/cli-contract.md")
    return "\n".join(lines)


def _width(words: "Iterable[str]") -> int:
    return max(map(len, words)) + len(_GAPS)


def _names(command: "grammar.Command") -> "list[tuple[str, str]]":
    synonyms = [(word, f"the same as {command.name}") for word in command.synonyms]
    return [(command.name, command.summary), *synonyms]

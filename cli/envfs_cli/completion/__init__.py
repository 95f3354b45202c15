"""Completion: what a line may go on with, for the shells of the system and for EnvFS's own.

envfs.bash, envfs.zsh, envfs.fish  the scripts, with a comment `# @place@` for each part that the grammar gives
bash, zsh, fish                    those parts, in the words of each shell
sources                            the levels and names that a daemon knows, within a moment
time_limit                         the bound on that moment

Law: what a script asks (`envfs __complete`) is quick and fails in silence, because somebody is typing.
"""

import os

from envfs import safe_open
from envfs_cli.grammar import HIDDEN, all_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envfs_cli.grammar import Argument, Command

_LARGEST = 1 << 16
VISIBLE = tuple(command for command in all_commands() if command.group != HIDDEN)


def command_words(command: "Command") -> tuple[str, ...]:
    """Return a command's name and synonyms."""
    return (command.name, *command.synonyms)


def argument_kind(command: "Command", place: int) -> str:
    """Return what may stand at an argument's place: its kind, or `here` for a level that may be left out for a name."""
    argument, following = command.arguments[place], command.arguments[place + 1 :]
    if argument.linked and following and following[0].kind == "name":
        return "here"
    return "file" if argument.kind == "paths" else argument.kind


def argument_choices(argument: "Argument") -> tuple[str, ...]:
    """Return the words that may stand at an argument's place, if they are a closed set."""
    if argument.kind == "command":  # the one argument of a command that is a command: for those with shapes of JSON
        return tuple(command.name for command in VISIBLE if "--json" in command_flags(command))
    return argument.choices


def command_flags(command: "Command", *, valued: bool = False) -> tuple[str, ...]:
    """Return all flags of a command, or those that take a value."""
    return tuple(flag for option in command.options if not valued or option.kind != "flag" for flag in option.flags)


def filled_script(file: str, **parts: "Sequence[str]") -> str:
    """Return a script beside this file, with lines in place of each comment that names one of `parts`."""
    places = {f"# @{name}@": lines for name, lines in parts.items()}
    path = os.path.join(os.path.dirname(__file__), file)
    text = safe_open.read_file(path, _LARGEST, follow=True).decode()  # an installer may have put a link there
    return "\n".join(filling for line in text.splitlines() for filling in places.get(line.strip(), (line,)))

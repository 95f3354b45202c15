"""The completion scripts, made from the grammar: what is fixed stands in them, levels and names are asked for.

Law: what a script asks (`envfs __complete`) is quick and fails in silence, because somebody is typing.
"""

from envfs_cli.grammar import HIDDEN, all_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar import Command

VISIBLE = tuple(command for command in all_commands() if command.group != HIDDEN)


def words(command: "Command") -> tuple[str, ...]:
    """Return a command's name and synonyms."""
    return (command.name, *command.synonyms)


def wanted(command: "Command", place: int) -> str:
    """Return what may stand at an argument's place: its kind, or `here` for a level that may be left out for a name."""
    argument, following = command.arguments[place], command.arguments[place + 1 :]
    return "here" if argument.linked and following and following[0].kind == "name" else argument.kind


def flags(command: "Command", *, valued: bool = False) -> tuple[str, ...]:
    """Return all flags of a command, or those that take a value."""
    return tuple(flag for option in command.options if not valued or option.kind != "flag" for flag in option.flags)

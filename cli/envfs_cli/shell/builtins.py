"""The commands that only the shell has, in the grammar's own types: `cd`, `pwd`, `help`, `exit`."""

from envfs_cli.grammar import HIDDEN, Argument, Command, all_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar.words import Group

GROUP: "Group" = "shell"
BUILTINS = (
    Command(
        "cd",
        GROUP,
        "go to a level",
        (Argument("place", "place", "a level, `..`, or `-` for the one before; without it: /", optional=True),),
        examples=("cd /shop/prod", "cd ..", "cd -"),
    ),
    Command("pwd", GROUP, "print the level you are at"),
    Command(
        "help",
        GROUP,
        "list the commands, or explain one",
        (Argument("command", "command", "a command's name", optional=True),),
        examples=("help", "help set"),
    ),
    Command("exit", GROUP, "leave the shell", synonyms=("quit",)),
)
TABLE = (*BUILTINS, *(command for command in all_commands() if command.group != HIDDEN))


def find_builtin(word: str) -> "Command | None":
    """Return the builtin or command of that name or synonym, or None."""
    for command in TABLE:
        if word == command.name or word in command.synonyms:
            return command
    return None

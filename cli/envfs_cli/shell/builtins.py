"""The commands that only the shell has, in the grammar's own types, and those that take more than the grammar's.

Law: what the shell knows under a name of the grammar takes every option that the grammar's command takes.
"""

from envfs_cli.grammar import HIDDEN, PASSPHRASE, Argument, Command, Option, all_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.grammar.words import Group

GROUP: "Group" = "shell"
_GRAMMAR = {command.name: command for command in all_commands() if command.group != HIDDEN}
_SHORT = {"--below": ("-r",), "--yes": ("-f",)}  # of `rm`, as fingers know them


def _options_of(name: str) -> "tuple[Option, ...]":
    short = _SHORT if name == "rm" else {}
    return tuple(
        option._replace(flags=(*short.get(option.flags[-1], ()), *option.flags)) for option in _GRAMMAR[name].options
    )


def _paths(help_: str) -> "tuple[Argument, ...]":
    return (Argument("paths", "paths", help_, optional=True),)


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
        "ls",
        GROUP,
        "list the levels below one, and its variables with the level that sets each",
        (Argument("path", "place", "a level, or one variable; default: where you are", optional=True),),
        (
            Option(("-l", "--long"), "flag", "", "with the version of each level, and since when each variable is so"),
            Option(("-a", "--all"), "flag", "", "the same: nothing is hidden here"),
            Option(("-R", "--recursive"), "flag", "", "all levels below, as `envfs ls` lists them"),
            *_options_of("ls"),
        ),
        ("ls", "ls -l prod", "ls API_KEY", "ls / --names"),
        details="A slash ends the name of a level. With an option of `envfs ls` the result is that of `envfs ls`.",
    ),
    Command(
        "cat",
        GROUP,
        "print values: of one variable as `get` does, of a view as `export` does",
        _paths("API_KEY, prod/API_KEY, .env, prod/.env.json"),
        (PASSPHRASE,),
        ("cat API_KEY", "cat prod/.env", "cat prod@3/API_KEY"),
        details="The files of a level are those of the mount: .env, .env.example, .env.json, .environ and .vars/NAME.",
    ),
    Command(
        "rm",
        GROUP,
        "remove variables as `unset` does, or a level; its versions stay",
        _paths("variables or levels: API_KEY, prod/API_KEY, prod"),
        _options_of("rm"),
        ("rm API_KEY", "rm prod/API_KEY OLD_KEY", "rm -r staging", "undo"),
    ),
    Command(
        "mv",
        GROUP,
        "rename a variable, or move variables or a level elsewhere",
        _paths("what is moved, and last its new name or place"),
        _options_of("mv"),
        ("mv API_KEY STRIPE_KEY", "mv API_KEY DEBUG ../prod", "mv old new"),
    ),
    Command(
        "cp",
        GROUP,
        "copy variables, or all of a level's, to another level",
        _paths("what is copied, and last the level that gets it"),
        _options_of("cp"),
        ("cp API_KEY ../prod", "cp staging prod", "cp prod@3/API_KEY ."),
    ),
    Command(
        "edit",
        GROUP,
        "edit a level's own text, or begin at one variable, in memory only",
        (Argument("path", "place", "a level, or a variable; default: where you are", optional=True),),
        _options_of("edit"),
        ("edit", "edit API_KEY", "edit prod -m 'the new database'"),
    ),
    Command(
        "undo",
        GROUP,
        "take back the last change that this shell made, as a new version",
        (),
        (PASSPHRASE,),
        details="Each further `undo` takes back the change before. Where another version was written meanwhile, "
        "nothing is changed.",
    ),
    Command("clear", GROUP, "clear the screen"),
    Command(
        "help",
        GROUP,
        "list the commands, or explain one",
        (Argument("command", "command", "a command's name", optional=True),),
        examples=("help", "help set"),
    ),
    Command("exit", GROUP, "leave the shell", synonyms=("quit",)),
)
_OWN = {command.name for command in BUILTINS}
TABLE = (*BUILTINS, *(command for name, command in _GRAMMAR.items() if name not in _OWN))


def find_builtin(word: str) -> "Command | None":
    """Return the builtin or command of that name or synonym, or None."""
    for command in TABLE:
        if word == command.name or word in command.synonyms:
            return command
    return None


def grammar_command(name: str) -> Command:
    """Return the grammar's own command of that name."""
    return _GRAMMAR[name]

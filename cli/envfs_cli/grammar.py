"""The command line's grammar: one table that feeds argument parsing, the shell, completion, help and the manual.

Law: nothing but data here, and nothing imported that costs the client time.
"""

from envfs.tuples import NamedTuple


class Argument(NamedTuple):
    """A word by its place. `kind`: level, name, file, text, number, or words (all that is left)."""

    name: str
    kind: str
    help: str
    optional: bool = False
    choices: tuple[str, ...] = ()


class Option(NamedTuple):
    """A word by its flag. `kind`: flag, file, text, number, duration or list."""

    flags: tuple[str, ...]
    kind: str
    metavar: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()


class Command(NamedTuple):
    """A command; `run` names the function, as `module:function` in `envfs_cli.commands`."""

    name: str
    group: str
    run: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    details: str = ""


HIDDEN = "hidden"  # the group of commands that only scripts call: not in help, completion or manual
FORMATS = ("dotenv", "json", "environ")
JSON = Option(("--json",), "flag", "", "print JSON for machines")
PASSPHRASE = Option(
    ("--passphrase-file",), "file", "FILE", "read the passphrase from a file (also: ENVFS_PASSPHRASE_FILE)"
)
YES = Option(("-y", "--yes"), "flag", "", "do not ask back")
LEVEL = Argument("level", "level", "a level such as /shop/prod")
NAME = Argument("name", "name", "a variable's name")
UID = Option(("--uid",), "number", "N", "the user, by number")
USER = Option(("--user",), "text", "NAME", "the user, by name")
TTL = Option(("--ttl",), "duration", "TIME", "how long, as in 30s 15m 1h 7d; default: without end")
VERSION = Option(("--version",), "number", "N", "the level as it was at that version")
SUBVERSION = Argument("version", "number", "a version, as `envfs history` counts them")

COMMANDS = (
    Command(
        "init",
        "vault",
        "keeping:init",
        "make a vault, an identity and a first grant",
        (),
        (
            Option(("--identity-file",), "file", "FILE", "keep the identity in this file, unencrypted (for machines)"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs init", "envfs init --identity-file /root/envfs-identity.txt"),
        details="The identity is kept in an age file under your passphrase, unless --identity-file names a file for "
        "it. The user who runs this is approved to read everything; nobody else is.",
    ),
    Command(
        "set",
        "values",
        "values:set_value",
        "set one variable",
        (LEVEL, NAME),
        (Option(("--from-file",), "file", "FILE", "take the value from a file, to the letter"), PASSPHRASE, JSON),
        ("envfs set /shop/prod DATABASE_URL", "pass show db | envfs set /shop/prod DATABASE_URL"),
        details="The value is asked for without showing it, or read from standard input (one final line end is "
        "dropped), or taken from a file. It is never an argument: those are in everybody's process list.",
    ),
    Command(
        "get",
        "values",
        "values:get_value",
        "print one variable's value",
        (LEVEL, NAME),
        (VERSION, PASSPHRASE),
        ("envfs get /shop/prod DATABASE_URL",),
    ),
    Command(
        "unset",
        "values",
        "values:unset_value",
        "remove one variable from a level's own text",
        (LEVEL, NAME),
        (PASSPHRASE, JSON),
        ("envfs unset /shop/prod DEBUG",),
    ),
    Command(
        "ls",
        "values",
        "views:list_levels",
        "list levels",
        (Argument("level", "level", "list only this level and those below it", optional=True),),
        (PASSPHRASE, JSON),
        ("envfs ls", "envfs ls /shop"),
    ),
    Command(
        "show",
        "values",
        "views:show",
        "list the variables of a view and where each is set",
        (LEVEL,),
        (Option(("--reveal",), "flag", "", "print the values too"), VERSION, PASSPHRASE, JSON),
        ("envfs show /shop/prod", "envfs show /shop/prod --reveal"),
    ),
    Command(
        "import",
        "values",
        "values:import_file",
        "set every variable of a .env file",
        (Argument("file", "file", "the .env file, or - for standard input"), LEVEL),
        (
            Option(("--replace",), "flag", "", "make the file the level's whole text, comments and order included"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs import .env /shop", "envfs import prod.env /shop/prod --replace"),
    ),
    Command(
        "export",
        "values",
        "views:export",
        "print a view",
        (LEVEL,),
        (
            Option(
                ("-f", "--format"), "text", "FORMAT", "dotenv (default), json, environ", ("dotenv", "json", "environ")
            ),
            Option(("-o", "--output"), "file", "FILE", "write to a new file, readable by you alone"),
            VERSION,
            PASSPHRASE,
        ),
        ("envfs export /shop/prod", "envfs export /shop/prod -f json | jq ."),
    ),
    Command(
        "exec",
        "use",
        "execute:execute",
        "run a command with a view as its environment",
        (LEVEL, Argument("command", "words", "the command and its arguments, after --")),
        (
            Option(("--only",), "list", "A,B", "only these variables"),
            PASSPHRASE,
        ),
        ("envfs exec /shop/prod -- ./manage.py migrate", "envfs exec /shop/prod --only DATABASE_URL -- psql"),
        ("run",),
        "The command's exit status is passed through. EnvFS's own are 100 and above.",
    ),
    Command(
        "mount",
        "use",
        "mounting:mount",
        "start the daemon and mount the views",
        (Argument("path", "file", "where to mount; see the settings for the default", optional=True),),
        (
            Option(("--foreground",), "flag", "", "stay in the foreground, as a service manager wants it"),
            PASSPHRASE,
        ),
        ("envfs mount", "envfs mount /mnt/envfs --foreground"),
    ),
    Command("unmount", "use", "mounting:unmount", "undo the mount and end the daemon", examples=("envfs unmount",)),
    Command(
        "unlock",
        "use",
        "mounting:unlock",
        "give a locked daemon the passphrase",
        options=(Option(("--ttl",), "duration", "TIME", "lock again after 30s 15m 1h 7d"), PASSPHRASE),
        examples=("envfs unlock", "envfs unlock --ttl 8h"),
    ),
    Command(
        "lock",
        "use",
        "mounting:lock",
        "make the daemon forget the key and every view; the mount stays",
        examples=("envfs lock",),
        details="Whatever is open answers an error at its next read. SIGUSR1 to the daemon does the same.",
    ),
    Command(
        "status",
        "use",
        "keeping:status",
        "say what runs and what is wrong",
        options=(JSON,),
        examples=("envfs status", "envfs status --json | jq .problems"),
    ),
    Command(
        "shell",
        "use",
        "shelling:shell",
        "walk the tree interactively",
        options=(PASSPHRASE,),
        examples=("envfs shell", "envfs shell < script"),
        details="All other commands are there, with levels relative to the one that `cd` went to; where a command "
        "needs a level and none is given, that one is meant. If standard input is not a terminal, its lines are run as "
        "a script, up to the first that fails. Lines that are no commands, or come after a space, are not remembered.",
    ),
    Command(
        "grant",
        "access",
        "access:grant",
        "approve a user for a level and all below it",
        (LEVEL,),
        (UID, USER, TTL, PASSPHRASE),
        ("envfs grant /shop/prod --user deploy", "envfs grant /shop --uid 1001 --ttl 1h"),
    ),
    Command(
        "revoke",
        "access",
        "access:revoke",
        "take a grant back",
        (LEVEL,),
        (UID, USER, PASSPHRASE),
        ("envfs revoke /shop/prod --user deploy",),
    ),
    Command(
        "grants",
        "access",
        "access:grants",
        "list who is approved for what",
        options=(PASSPHRASE, JSON),
        examples=("envfs grants",),
    ),
    Command(
        "log",
        "access",
        "access:log",
        "print the access log, verify it, or begin a new one",
        (
            Argument(
                "action",
                "text",
                "verify: check the chain; restart: begin a new log after a loss",
                optional=True,
                choices=("verify", "restart"),
            ),
        ),
        (
            Option(("-n", "--lines"), "number", "N", "the newest N entries (default 20; 0: all)"),
            Option(("--follow",), "flag", "", "go on as entries come"),
            PASSPHRASE,
            JSON,
        ),
        ("envfs log -n 50", "envfs log --follow", "envfs log verify"),
    ),
    Command(
        "history",
        "versions",
        "versions:history",
        "list a level's versions and the names that each changed",
        (LEVEL,),
        (Option(("-n", "--lines"), "number", "N", "the newest N versions (default 20; 0: all)"), PASSPHRASE, JSON),
        ("envfs history /shop/prod",),
    ),
    Command(
        "rollback",
        "versions",
        "versions:rollback",
        "write a new version with the text of an old one",
        (LEVEL, SUBVERSION),
        (YES, PASSPHRASE, JSON),
        ("envfs rollback /shop/prod 7",),
    ),
    Command(
        "verify",
        "vault",
        "keeping:verify",
        "check every record of the vault",
        options=(PASSPHRASE, JSON),
        examples=("envfs verify",),
    ),
    Command(
        "accept",
        "vault",
        "keeping:accept",
        "accept a level as it is, after a backup was restored",
        (LEVEL,),
        (YES, PASSPHRASE),
        ("envfs accept /shop/prod",),
    ),
    Command(
        "doctor",
        "vault",
        "examining:doctor",
        "say what protects secrets here, what is wrong, and how to mend it",
        options=(JSON,),
        examples=("envfs doctor", "envfs doctor --json | jq '.[] | select(.state == \"problem\")'"),
        details="A problem wants mending; a note says how this machine is. Without a daemon, and without a vault, what "
        "one would find here is looked at. The exit status is 0 if there is no problem.",
    ),
    Command(
        "completion",
        "vault",
        "completing:completion",
        "print the completion script of a shell",
        (Argument("shell", "text", "bash, zsh or fish", choices=("bash", "zsh", "fish")),),
        (),
        ('eval "$(envfs completion bash)"', "envfs completion fish | source"),
    ),
    Command(
        "__complete",
        HIDDEN,
        "completing:candidates",
        "list what a completion script may offer",
        (
            Argument("what", "text", "level or name", choices=("level", "name")),
            Argument("word", "text", "level: what was typed so far; name: the level", optional=True),
        ),
    ),
)

GROUPS = (
    ("use", "Use"),
    ("values", "Values"),
    ("versions", "Versions"),
    ("access", "Access"),
    ("vault", "Vault"),
)


def find(word: str) -> "Command | None":
    """Return the command of that name or synonym, or None."""
    for command in COMMANDS:
        if word == command.name or word in command.synonyms:
            return command
    return None

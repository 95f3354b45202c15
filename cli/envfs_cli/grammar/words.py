"""What the grammar is made of, and what several commands share."""

from envfs.tuples import NamedTuple


class Argument(NamedTuple):
    """A word by its place. `kind`: level, project, name, file, folder, text, number, or words (all that is left).

    A first word that is `linked` may be left out in a folder that `envfs link` linked to a level. `meanings` explain
    the `choices`, one each.
    """

    name: str
    kind: str
    help: str
    optional: bool = False
    choices: tuple[str, ...] = ()
    linked: bool = False
    meanings: tuple[str, ...] = ()


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
FORMATS = ("dotenv", "json", "environ", "example", "shell", "docker", "systemd", "yaml", "k8s", "github", "tfvars")
JSON = Option(("--json",), "flag", "", "print JSON for machines")
PASSPHRASE = Option(
    ("--passphrase-file",), "file", "FILE", "read the passphrase from a file (also: ENVFS_PASSPHRASE_FILE)"
)
MESSAGE = Option(("-m", "--message"), "text", "TEXT", "say why, for `envfs history`; it is sealed as values are")
YES = Option(("-y", "--yes"), "flag", "", "do not ask back")
LEVEL = Argument("level", "level", "a level such as /shop/prod")
HERE = Argument(
    "level", "level", "a level such as /shop/prod; default: the one that `envfs link` gave this folder", linked=True
)
NAME = Argument("name", "name", "a variable's name")
UID = Option(("--uid",), "number", "N", "the user, by number")
USER = Option(("--user",), "text", "NAME", "the user, by name")
TTL = Option(("--ttl",), "duration", "TIME", "how long, as in 30s 15m 1h 7d; default: without end")
PROJECT = Argument("project", "project", "a project such as shop; / is the one of level /", optional=True)
PROJECT_PASSPHRASE = Option(
    ("--passphrase-file",), "file", "FILE", "read the passphrase from a file (also: ENVFS_PROJECT_PASSPHRASE_FILE)"
)
DIALECTS = ("portable", "shell", "docker", "systemd", "python", "python-interpolating", "node", "expand", "compose")
DIALECT = Option(("--dialect",), "text", "NAME", f"dotenv text for one kind of reader: {', '.join(DIALECTS)}", DIALECTS)
VERSION = Option(("--version",), "number", "N", "the level as it was at that version")
SUBVERSION = Argument("version", "number", "a version, as `envfs history` counts them")
ORDERS = ("next", "create-react-app", "rails", "dotenv-flow", "vite", "symfony", "nuxt")
READERS = (
    "node",
    "node-env-file",
    "expand",
    "vite",
    "python",
    "django-environ",
    "ruby",
    "symfony",
    "phpdotenv",
    "shell",
    "compose",
    "portable",
)
READ_AS = Option(
    ("--as",), "text", "READER", "dotenv: read it as this reader does; default: what the project's files say", READERS
)

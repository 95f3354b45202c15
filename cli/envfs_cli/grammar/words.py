"""The types of the grammar's tables, and the words that several commands share."""

from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    ArgumentKind = Literal[
        "level", "project", "name", "file", "folder", "text", "number", "words", "paths", "place", "command"
    ]
    OptionKind = Literal["flag", "file", "text", "number", "duration", "list"]
    Offers = Literal["", "level", "names", "user", "group"]
    Group = Literal["use", "values", "versions", "access", "vault", "hidden", "shell"]
    Format = Literal[
        "dotenv",
        "json",
        "environ",
        "example",
        "shell",
        "docker",
        "systemd",
        "yaml",
        "k8s",
        "github",
        "tfvars",
        "direnv",
        "op",
        "bitwarden",
    ]
    SealScopeName = Literal["strict", "namespace-wide", "cluster-wide"]
    MetricFormat = Literal["openmetrics", "prometheus"]
    Scope = Literal["once", "process", "executable", "always"]
    ImportFormat = Literal["dotenv", "json", "yaml", "compose"]
    ImportTool = Literal[
        "dotenvx",
        "sops",
        "op",
        "doppler",
        "infisical",
        "direnv",
        "pass",
        "chamber",
        "1password-export",
        "bitwarden-export",
    ]
    ExportTool = Literal["dotenvx", "sops", "op", "doppler", "infisical", "direnv", "chamber", "bitwarden-export"]


class Argument(NamedTuple):
    """A word by its place. Of the kinds, `words` is all behind `--`. `place` and `command` are the shell's own.

    `paths` stands for as many words as there are.
    A first word that is `linked` may be left out in a folder that `envfs link` linked to a level. `meanings` explain
    the `choices`, one each. A word that may be left out `may_be_empty` only where a script gives it as it was typed.
    """

    name: str
    kind: "ArgumentKind"
    help: str
    optional: bool = False
    choices: tuple[str, ...] = ()
    linked: bool = False
    meanings: tuple[str, ...] = ()
    may_be_empty: bool = False


class Option(NamedTuple):
    """A word by its flag, and the value behind it if its kind is not `flag`. Completion `offers` what is there."""

    flags: tuple[str, ...]
    kind: "OptionKind"
    metavar: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    offers: "Offers" = ""


class Command(NamedTuple):
    """A command. The module of its name in `envfs_cli.commands` runs it (`envfs_cli.run` says how)."""

    name: str
    group: "Group"
    summary: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    details: str = ""


def action_argument(**meanings: str) -> Argument:
    """Return the argument of a command that does one of several things. `meanings` say what each does."""
    choices, help_ = tuple(meanings), "one of the actions below"
    return Argument("action", "text", help_, choices=choices, meanings=tuple(meanings.values()))


HIDDEN: "Group" = "hidden"  # the group of commands that only scripts call: not in help, completion or manual
FORMATS: "tuple[Format, ...]" = (
    "dotenv",
    "json",
    "environ",
    "example",
    "shell",
    "docker",
    "systemd",
    "yaml",
    "k8s",
    "github",
    "tfvars",
    "direnv",
    "op",
    "bitwarden",
)
SEAL_SCOPES: "tuple[SealScopeName, ...]" = ("strict", "namespace-wide", "cluster-wide")
METRIC_FORMATS: "tuple[MetricFormat, ...]" = ("openmetrics", "prometheus")
IMPORT_FORMATS: "tuple[ImportFormat, ...]" = ("dotenv", "json", "yaml", "compose")
EXPORT_TOOLS: "tuple[ExportTool, ...]" = (
    *("dotenvx", "sops", "op", "doppler", "infisical", "direnv", "chamber", "bitwarden-export"),
)
IMPORT_TOOLS: "tuple[ImportTool, ...]" = (
    *("dotenvx", "sops", "op", "doppler", "infisical", "direnv", "pass", "chamber"),
    *("1password-export", "bitwarden-export"),
)
JSON = Option(("--json",), "flag", "", "print JSON for machines")
PASSPHRASE = Option(
    ("--passphrase-file",), "file", "FILE", "read the passphrase from a file (also: ENVFS_PASSPHRASE_FILE)"
)
MESSAGE = Option(("-m", "--message"), "text", "TEXT", "say why, for `envfs history`; it is sealed as values are")
YES = Option(("-y", "--yes"), "flag", "", "do not ask back")
LEVEL = Argument("level", "level", "a level such as /shop/prod")
SOURCE = Argument("source", "level", "the level that the variables are taken from")
TARGET = Argument("target", "level", "the level that gets them")
ONLY = Option(("--only",), "list", "A,B", "only these variables", offers="names")
HERE = Argument(
    "level", "level", "a level such as /shop/prod; default: the one that `envfs link` gave this folder", linked=True
)
HERE_THEN = HERE._replace(
    help="a level such as /shop/prod, or as it was: /shop/prod@7, /shop/prod@-1, /shop/prod@2026-11-01T10:00; "
    "default: the one that `envfs link` gave this folder"
)
NAME = Argument("name", "name", "a variable's name")
UID = Option(("--uid",), "number", "N", "the user, by number")
USER = Option(("--user",), "text", "NAME", "the user, by name", offers="user")
WRITABLE = Option(("--writable",), "list", "PATHS", "with --fence: folders and files that it may write to")
REASON = Option(("--reason",), "text", "TEXT", "say why, if a person has to allow it (also: ENVFS_REASON)")
DANGEROUS = Option(
    ("--allow-dangerous",), "flag", "", "let variables pass that can make the command run other code, as PATH"
)
GID = Option(("--gid",), "number", "N", "the group, by number")
GROUP = Option(("--group",), "text", "NAME", "the group, by name", offers="group")
EXE = Option(("--exe",), "file", "PATH", "the program that the process runs")
SCRIPT = Option(("--script",), "file", "PATH", "the script that an interpreter runs")
UNDER = Option(("--under",), "file", "PATH", "a program that one of the process's ancestors runs")
CGROUP = Option(("--cgroup",), "text", "PATH", "the process's cgroup (version 2), or one above it")
UNIT = Option(("--unit",), "text", "NAME", "the process's systemd unit, such as shop.service")
CALLERS = (UID, USER, GID, GROUP, EXE, SCRIPT, UNDER, CGROUP, UNIT)
CAPABILITIES = ("read", "names", "write", "history", "log", "approve", "grant", "admin")
TTL = Option(("--ttl",), "duration", "TIME", "how long, as in 30s 15m 1h 7d; default: without end")
MAX_READS = Option(("--max-reads",), "number", "N", "let N processes read, each as often as it likes")
CAPABILITY_WORDS = (
    "read, names, write, history, log, approve, grant, admin, or one of the sets viewer, reader, writer, auditor, "
    "approver, admin; default: reader"
)
CAN = Option(("--can",), "list", "LIST", CAPABILITY_WORDS)
PROJECT = Argument("project", "project", "a project such as shop; / is the one of level /", optional=True)
PROJECT_PASSPHRASE = Option(
    ("--passphrase-file",), "file", "FILE", "read the passphrase from a file (also: ENVFS_PROJECT_PASSPHRASE_FILE)"
)
DIALECTS = ("portable", "shell", "docker", "systemd", "python", "python-interpolating", "node", "expand", "compose")
DIALECT = Option(("--dialect",), "text", "NAME", f"dotenv text for one kind of reader: {', '.join(DIALECTS)}", DIALECTS)
SCOPES: "tuple[Scope, ...]" = ("once", "process", "executable", "always")
VERSION = Option(("--version",), "number", "N", "the level as it was at that version")
SUBVERSION = Argument("version", "text", "a version: 7, as `envfs history` counts them, @-1 or a time")
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

"""The source of each variable that a command of `exec` would get. Names and levels, and never a value."""

from envfs.core import dangerous_names
from envfs.errors import NoSuchVariable
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.process import chosen_environment, dangerous_variables, replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session
    from envfs_cli.level_versions import DatedLevel

LEVEL, ENVIRONMENT, LEFT_OUT, ENVFS = "level", "environment", "left-out", "envfs"
_NOT_SET, _TOKEN_FILE = "not-set", "ENVFS_TOKEN_FILE"


class EnvironmentChoice(NamedTuple):
    """The options of `exec` that decide where its variables come from."""

    only: "tuple[str, ...]"
    keeps_existing: bool
    is_clean: bool
    has_token: bool
    allows_dangerous: bool


class VariableSource(NamedTuple):
    """A variable, where it comes from, the level that sets it, and whether the caller's environment has it as well.

    By a `dangerous` one of the level the command could be made to run other code. Where it is `refused`, nothing runs.
    """

    name: str
    source: str
    level: str
    in_environment: bool
    dangerous: bool
    refused: bool


def variable_sources(asking: "Session", dated: "DatedLevel", choice: EnvironmentChoice) -> "list[VariableSource]":
    """Return the variables in the order of their names.

    Raises:
        NoSuchVariable: one of those that were chosen is not set
    """
    request = control.ListPresence(dated.level, choice.only, version=dated.version, moment=dated.moment)
    rows = [row for row in asking.rows(request) if isinstance(row, control.PresenceRow)]
    if any(row.state == _NOT_SET for row in rows):
        raise NoSuchVariable(f"{dated.level} has no variable of that name", f"`envfs show {dated.level}` lists them")
    levels = {row.name: row.source for row in rows}
    entries = [entry for entry in replacement.inherited_entries() if b"=" in entry]
    inherited = dict.fromkeys(_shown(entry) for entry in entries)
    basis = {_shown(entry) for entry in chosen_environment.basis(entries)} if choice.is_clean else inherited.keys()
    names = sorted({*levels, *inherited, *([_TOKEN_FILE] if choice.has_token else ())})
    sources = []
    for name in names:
        source = _source(choice, name, is_set=name in levels, is_there=name in basis)
        danger = source == LEVEL and dangerous_names.runs_code(name)
        refused = danger and not choice.allows_dangerous
        sources.append(VariableSource(name, source, levels.get(name, ""), name in inherited, danger, refused))
    return sources


def _shown(entry: bytes) -> str:
    return entry.partition(b"=")[0].decode(errors="backslashreplace")


def _source(choice: EnvironmentChoice, name: str, *, is_set: bool, is_there: bool) -> str:
    if choice.has_token and name == _TOKEN_FILE:
        return ENVFS
    if is_set and not (choice.keeps_existing and is_there):
        return LEVEL
    return ENVIRONMENT if is_there else LEFT_OUT


def print_sources(sources: "list[VariableSource]", *, as_json: bool) -> None:
    """Print them."""
    if as_json:
        output.rows_json(sources)
        return
    rows = [(row.name, _from(row), _other(row), _danger(row)) for row in sources]
    output.print_table(("NAME", "FROM", "IN PLACE OF", "DANGEROUS"), rows, none="the command is given no variable")
    if refused := [row.name for row in sources if row.refused]:
        several = dangerous_variables.named(refused)
        output.note(
            f"the command is refused: {several} could make it run other code. Choose others with --only, or let "
            "pass what you trust with --allow-dangerous"
        )


def _danger(row: VariableSource) -> str:
    if not row.dangerous:
        return "-"
    return "refused" if row.refused else "allowed"


def _from(row: VariableSource) -> str:
    return row.level if row.source == LEVEL else row.source


def _other(row: VariableSource) -> str:
    if row.source == LEVEL:
        return ENVIRONMENT if row.in_environment else "-"
    return row.level or "-"

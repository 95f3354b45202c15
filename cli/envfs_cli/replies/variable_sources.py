"""The source of each variable that a command of `exec` would get. Names and levels, and never a value."""

from envfs.errors import NoSuchVariable
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.process import chosen_environment, replacement

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


class VariableSource(NamedTuple):
    """A variable, where it comes from, the level that sets it, and whether the caller's environment has it as well."""

    name: str
    source: str
    level: str
    in_environment: bool


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
    return [
        VariableSource(
            name,
            ENVFS
            if choice.has_token and name == _TOKEN_FILE
            else _source(choice, is_set=name in levels, is_there=name in basis),
            levels.get(name, ""),
            name in inherited,
        )
        for name in names
    ]


def _shown(entry: bytes) -> str:
    return entry.partition(b"=")[0].decode(errors="backslashreplace")


def _source(choice: EnvironmentChoice, *, is_set: bool, is_there: bool) -> str:
    if is_set and not (choice.keeps_existing and is_there):
        return LEVEL
    return ENVIRONMENT if is_there else LEFT_OUT


def print_sources(sources: "list[VariableSource]", *, as_json: bool) -> None:
    """Print them."""
    if as_json:
        output.rows_json(sources)
        return
    output.print_table(("NAME", "FROM", "IN PLACE OF"), [(row.name, _from(row), _other(row)) for row in sources])


def _from(row: VariableSource) -> str:
    return row.level if row.source == LEVEL else row.source


def _other(row: VariableSource) -> str:
    if row.source == LEVEL:
        return ENVIRONMENT if row.in_environment else "-"
    return row.level or "-"

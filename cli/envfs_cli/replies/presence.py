"""Which variables are set, as lists and as an exit status. No value, nor how long one is."""

from envfs.errors import NoSuchVariable
from envfs.protocol import control
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session
    from envfs_cli.level_versions import DatedLevel

NOT_SET = "not-set"
_EMPTY, _ONE_IS_EMPTY = "empty", 1


def presence_rows(asking: "Session", dated: "DatedLevel", only: "tuple[str, ...]") -> "list[control.PresenceRow]":
    """Return what is told of variables of a view, and since when they are set."""
    request = control.ListPresence(dated.level, only, ages=True, version=dated.version, moment=dated.moment)
    return [row for row in asking.rows(request) if isinstance(row, control.PresenceRow)]


def print_presence(rows: "list[control.PresenceRow]", *, as_json: bool) -> int:
    """Print them. Return the exit status: whether all are set, and none is empty."""
    if as_json:
        output.rows_json(rows)
    else:
        heads = ("NAME", "STATE", "SET BY", "SINCE")
        output.print_table(heads, [presence_cells(row) for row in rows], none="no variable is set here")
    states = {row.state for row in rows}
    if NOT_SET in states:
        return NoSuchVariable.status
    return _ONE_IS_EMPTY if _EMPTY in states else 0


def presence_cells(row: control.PresenceRow) -> "tuple[str, ...]":
    """Return a variable as the cells of a table's row: name, state, level that sets it, since when."""
    since = f"{'' if row.exact else '≤'}{output.shown_time(row.since)}" if row.since else "-"
    return row.name, row.state, row.source or "-", since

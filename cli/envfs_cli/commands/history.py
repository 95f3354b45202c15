"""`history`: list a level's versions and the names that each changed."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies import damage

_DEFAULT_LINES = 20
_NAMES_SHOWN = 6


class HistoryArguments(NamedTuple):
    """The arguments of `history`."""

    level: str
    lines: int | None
    passphrase_file: str | None
    json: bool


def run_history(arguments: HistoryArguments) -> int:
    """List versions, the newest first."""
    count = _DEFAULT_LINES if arguments.lines is None else arguments.lines
    sent = session.start_session(arguments.passphrase_file).rows(control.ListHistory(arguments.level, count))
    rows, status = damage.intact_rows(sent, control.VersionRow)
    if arguments.json:
        output.rows_json(rows)
        return status
    cells = [(str(row.version), output.shown_time(row.time), row.author[:8], _changes(row)) for row in rows]
    output.print_table(("VERSION", "TIME", "AUTHOR", "CHANGES"), cells)
    return status


def _changes(row: control.VersionRow) -> str:
    groups = (("+", row.added), ("~", row.changed), ("-", row.removed))
    signed = [f"{sign}{name}" for sign, names in groups for name in names]
    more = len(signed) - _NAMES_SHOWN
    return " ".join(signed[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "") if signed else "(text only)"

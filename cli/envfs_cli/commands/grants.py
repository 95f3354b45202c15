"""`grants`: list the grants."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session


class GrantsArguments(NamedTuple):
    """The arguments of `grants`."""

    passphrase_file: str | None
    json: bool


def run_grants(arguments: GrantsArguments) -> int:
    """List the grants."""
    sent = session.start_session(arguments.passphrase_file).rows(control.ListGrants())
    rows = [row for row in sent if isinstance(row, control.GrantRow)]
    if arguments.json:
        output.rows_json(rows)
    else:
        output.print_table(("LEVEL", "UID", "USER", "UNTIL (UTC)", "DIALECT"), [_cells(row) for row in rows])
    return 0


def _cells(row: control.GrantRow) -> "tuple[str, ...]":
    until = output.shown_time(row.until) or "without end"
    return row.level, str(row.uid), row.user or "-", until, row.dialect or "-"

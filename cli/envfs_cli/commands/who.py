"""`who`: list the processes that have a level open or read it."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session


class WhoArguments(NamedTuple):
    """The arguments of `who`."""

    level: str
    passphrase_file: str | None
    json: bool


def run_who(arguments: WhoArguments) -> int:
    """List the processes that read a level."""
    sent = session.start_session(arguments.passphrase_file).rows(control.ListReaders(arguments.level))
    rows = [row for row in sent if isinstance(row, control.ReaderRow)]
    if arguments.json:
        output.rows_json(rows)
    else:
        heads = ("STATE", "LEVEL", "VERSION", "FORMAT", "USER", "PID", "PROGRAM", "SECONDS AGO")
        output.print_table(heads, [_cells(row) for row in rows])
    return 0


def _cells(row: control.ReaderRow) -> "tuple[str, ...]":
    user = row.user or str(row.uid)
    program = row.executable or "-"
    return row.state, row.level, str(row.version), row.format, user, str(row.pid), program, str(row.seconds)

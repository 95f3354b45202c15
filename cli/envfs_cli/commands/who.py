"""`who`: list the processes that have a level open or read it."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies.readers import reader_cells


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
        output.print_table(heads, [reader_cells(row) for row in rows], none=f"no process reads {arguments.level}")
    return 0

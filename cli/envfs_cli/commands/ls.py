"""`ls`: list the levels that this user may know of."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies import damage
from envfs_cli.terminal import prompts


class LsArguments(NamedTuple):
    """The arguments of `ls`."""

    level: str | None
    removed: bool
    passphrase_file: str | None
    json: bool


def run_ls(arguments: LsArguments) -> int:
    """List levels."""
    request = control.ListLevels(arguments.level or "/", arguments.removed)
    link = session.start_session(arguments.passphrase_file)
    with prompts.Waiting("listing the levels"):
        sent = link.rows(request)
    rows, status = damage.intact_rows(sent, control.LevelRow)
    if arguments.json:
        output.rows_json(rows)
        return status
    cells = [
        (row.level, str(row.version or "-"), output.shown_time(row.time) or "-", "yes" if row.allowed else "no")
        for row in rows
    ]
    output.print_table(("LEVEL", "VERSION", "CHANGED", "APPROVED"), cells)
    return status

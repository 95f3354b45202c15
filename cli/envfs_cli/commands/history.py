"""`history`: list a level's versions and the names that each changed."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.level_versions import dated_level
from envfs_cli.replies import damage, versions

_DEFAULT_LINES = 20


class HistoryArguments(NamedTuple):
    """The arguments of `history`."""

    level: str
    lines: int | None
    name: str | None
    passphrase_file: str | None
    json: bool


def run_history(arguments: HistoryArguments) -> int:
    """List versions, the newest first."""
    count = _DEFAULT_LINES if arguments.lines is None else arguments.lines
    level, version, moment = dated_level(arguments.level)
    request = control.ListHistory(level, count, version, moment, arguments.name or "")
    sent = session.start_session(arguments.passphrase_file).rows(request)
    rows, status = damage.intact_rows(sent, control.VersionRow)
    if arguments.json:
        output.rows_json(rows)
        return status
    none = f"{level} has no version" + (f" that changes {arguments.name}" if arguments.name else "")
    heads = ("VERSION", "TIME", "AUTHOR", "CHANGES", "OPERATION", "MESSAGE")
    output.print_table(heads, [versions.version_cells(row) for row in rows], none=none)
    return status

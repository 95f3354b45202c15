"""`history`: list a level's versions and the names that each changed."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.level_versions import dated_level
from envfs_cli.replies import damage

_DEFAULT_LINES = 20
_NAMES_SHOWN = 6


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
    heads = ("VERSION", "TIME", "AUTHOR", "CHANGES", "OPERATION", "MESSAGE")
    output.print_table(heads, [_cells(row) for row in rows])
    return status


def _cells(row: control.VersionRow) -> "tuple[str, ...]":
    author = row.author_name or row.author[:8]
    return str(row.version), _time(row.time), author, _changes(row), _operation(row), _first_line(row.message)


def _time(time: str) -> str:
    # for a person in the zone in which LEVEL@TIME is read, for a program as before
    return output.local_time(time) if time and output.on_terminal() else output.shown_time(time)


def _operation(row: control.VersionRow) -> str:
    # `rollback to 7`, `move from /a@7`. Of a release that knows more words, its word
    version = row.source_version
    if row.source_level:
        return f"{row.operation or '-'} from {row.source_level}{f'@{version}' if version else ''}"
    return f"{row.operation or '-'}{f' to {version}' if version else ''}"


def _first_line(message: str) -> str:
    first, _, more = message.partition("\n")
    return f"{first} …" if more else first


def _changes(row: control.VersionRow) -> str:
    if not row.time:
        return "-"  # nobody can say any more
    if not row.names_shown:
        return "(no names)"
    renamed = {name for pair in row.renamed for name in (pair.before, pair.now)}
    groups = (("+", row.added), ("~", row.changed), ("-", row.removed))
    signed = [f"{pair.before}→{pair.now}" for pair in row.renamed]
    signed += [f"{sign}{name}" for sign, names in groups for name in names if name not in renamed]
    more = len(signed) - _NAMES_SHOWN
    return " ".join(signed[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "") if signed else "(text only)"

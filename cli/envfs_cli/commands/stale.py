"""`stale`: list the variables that are due for rotation, since when, and how each is rotated."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies import damage
from envfs_cli.replies.written import print_notes

_DUE = 1  # the exit status, as that of `diff`: something is listed that is not in order
_ORDER = ("expired", "due", "over", "begun", "soon", "good")


class StaleArguments(NamedTuple):
    """The arguments of `stale`."""

    level: str | None
    within: int | None
    all: bool
    passphrase_file: str | None
    json: bool


def run_stale(arguments: StaleArguments) -> int:
    """List what is due. The exit status is 0 if nothing is."""
    rows: list[object] = []
    request = control.ListRotations(arguments.level or "/", arguments.within or 0, arguments.all)
    reply, _ = session.start_session(arguments.passphrase_file).ask(request, (), rows)
    listed, status = damage.intact_rows(rows, control.RotationRow)
    listed.sort(key=lambda row: (_ORDER.index(row.state) if row.state in _ORDER else 0, row.due))
    if arguments.json:
        output.rows_json(listed)
    else:
        output.print_table(
            ("LEVEL", "VARIABLE", "STATE", "DUE", "SET", "BY", "OWNER", "ROTATE"), [_cells(row) for row in listed]
        )
    due = [row for row in listed if row.state != "good"]
    if not due and not arguments.json:
        output.done("nothing is due")
    print_notes(reply)
    return status or (_DUE if due else 0)


def _cells(row: control.RotationRow) -> "tuple[str, ...]":
    by = row.author_name or row.author[:8] or "-"
    since = f"{'' if row.exact else '≤'}{_day(row.since)}"
    return row.level, row.name, row.state, _day(row.due), since, by, row.owner or "-", _how(row)


def _day(time: str) -> str:
    # for a person the day in the zone of LEVEL@TIME, for a program as in other listings
    if not time:
        return "-"
    return output.local_time(time)[:10] if output.on_terminal() else output.shown_time(time)


def _how(row: control.RotationRow) -> str:
    if row.state == "over":
        return "--finish"
    if row.state == "begun":
        return "--resume"
    return row.with_command or row.from_command or row.kind or ("(hidden)" if row.has_hooks else "-")

"""`stale`: list the variables that are due for rotation, since when, and how each is rotated."""

import fnmatch

from envfs.core import names
from envfs.errors import NoSuchLevel
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.replies import damage
from envfs_cli.replies.written import print_notes

_DUE = 1  # the exit status, as that of `diff`: something is listed that is not in order
_NEXT = {"over": "--finish", "begun": "--resume"}
_SIGNS = frozenset("*?[")  # of a pattern
_ORDER = ("expired", "due", "over", "begun", "soon", "good")


class StaleArguments(NamedTuple):
    """The arguments of `stale`."""

    level: str | None
    within: int | None
    all: bool
    passphrase_file: str | None
    json: bool


def run_stale(arguments: StaleArguments) -> int:
    """List what is due. The exit status is 0 if nothing is.

    Raises:
        NoSuchLevel: no level matches a pattern
    """
    asking, rows, replies = session.start_session(arguments.passphrase_file), list[object](), []
    for level in _chosen_levels(asking, arguments.level or names.ROOT):
        reply, _ = asking.ask(control.ListRotations(level, arguments.within or 0, arguments.all), (), rows)
        replies.append(reply)
    listed, status = damage.intact_rows(rows, control.RotationRow)
    listed.sort(key=lambda row: (_ORDER.index(row.state) if row.state in _ORDER else 0, row.due))
    if arguments.json:
        output.rows_json(listed)
    else:
        heads = ("LEVEL", "VARIABLE", "STATE", "DUE", "SET", "BY", "OWNER", "ROTATE")
        output.print_table(heads, [_cells(row) for row in listed], none="")  # said below
    due = [row for row in listed if row.state != "good"]
    if not due and not arguments.json:
        output.done("nothing is due")
    for reply in replies:
        print_notes(reply)
    return status or (_DUE if due else 0)


def _chosen_levels(asking: session.Session, word: str) -> list[str]:
    # without those below others, which are listed with them
    chosen = dict.fromkeys(level for part in word.split(",") for level in _matching(asking, part))
    return [level for level in chosen if not any(level != top and names.within(level, top) for top in chosen)]


def _matching(asking: session.Session, word: str) -> list[str]:
    if not _SIGNS.intersection(word):
        return [names.parse_level(word)]
    steps = word.strip("/").split("/")
    there = (row.level for row in asking.rows(control.ListLevels()) if isinstance(row, control.LevelRow))
    matching = [level for level in there if _matches(level.strip("/").split("/"), steps)]
    if not matching:
        raise NoSuchLevel("no level that you may know matches the pattern", "`envfs ls` lists the levels")
    return matching


def _matches(parts: list[str], steps: list[str]) -> bool:
    return len(parts) == len(steps) and all(map(fnmatch.fnmatchcase, parts, steps))


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
    if row.state in _NEXT:
        return _NEXT[row.state]
    return row.with_command or row.from_command or row.kind or ("(hidden)" if row.has_hooks else "-")

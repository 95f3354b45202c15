"""A version of a level, in words: when it was written, by whom and how, and the names that it changed."""

from envfs.protocol import control
from envfs_cli import output

_NAMES_SHOWN = 6
_SECONDS = len("2026-11-21T08:00:00")


def version_cells(row: control.VersionRow) -> "tuple[str, ...]":
    """Return a version as the cells of a table's row: number, time, author, changes, operation, message."""
    time, changes = _time(row.time), change_words(row, _NAMES_SHOWN)
    return str(row.version), time, author_words(row), changes, operation_words(row), _first_line(row.message)


def author_words(row: control.VersionRow) -> str:
    """Return what the owner calls the author, else the beginning of the key."""
    return row.author_name or row.author[:8]


def _time(time: str) -> str:
    # for a person as it may stand behind LEVEL@, which is read in the same zone. For a program as before
    return output.local_time(time)[:_SECONDS] if time and output.on_terminal() else output.shown_time(time)


def operation_words(row: control.VersionRow) -> str:
    """Return how it was written, as `rollback to 7` or `move from /a@7`. Of a later release, its own word."""
    version = row.source_version
    if row.source_level:
        return f"{row.operation or '-'} from {row.source_level}{f'@{version}' if version else ''}"
    return f"{row.operation or '-'}{f' to {version}' if version else ''}"


def _first_line(message: str) -> str:
    first, _, more = message.partition("\n")
    return f"{first} …" if more else first


def change_words(row: control.VersionRow, most: int) -> str:
    """Return the names that it changed, each behind a sign, and at `most` so many."""
    if not row.time:
        return "-"  # nobody can say any more
    if not row.names_shown:
        return "(no names)"
    renamed = {name for pair in row.renamed for name in (pair.before, pair.now)}
    groups = (("+", row.added), ("~", row.changed), ("-", row.removed))
    signed = [f"{pair.before}→{pair.now}" for pair in row.renamed]
    signed += [f"{sign}{name}" for sign, names in groups for name in names if name not in renamed]
    more = len(signed) - most
    return " ".join(signed[:most]) + (f" and {more} more" if more > 0 else "") if signed else "(text only)"

"""Asking who has a value of a variable, and showing that."""

from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from envfs_cli.daemon.session import Session

_TOKEN = " token "  # in the text of a rule that is a token's
_PERHAPS = "perhaps"
_HOW = {
    "open": "has it open",
    "read": "",
    "inherited": "by its environment",
    "replaced": "ran another program then",
    "descends": _PERHAPS,
    "orphan": "perhaps: left by a process that ended",
    "unclear": "perhaps: the log does not say which variables",
}


class Holders(NamedTuple):
    """The processes, and what cannot be known."""

    rows: "tuple[control.HolderRow, ...]"
    notes: tuple[str, ...]


def list_holders(link: "Session", level: str, name: str, *, version: int = 0, before: int = 0) -> Holders:
    """List the live processes that were given a value of a variable.

    With `version`, those with the value that it had then. With `before`, those with what that version replaced.
    """
    rows: list[object] = []
    reply, _ = link.ask(control.ListHolders(level, name, version, before), (), rows)
    notes = reply.notes if isinstance(reply, control.Done) else ()
    return Holders(tuple(row for row in rows if isinstance(row, control.HolderRow)), notes)


def print_holders(rows: "Sequence[control.HolderRow]") -> None:
    """Print them as a table, those with an old value first."""
    rows = sorted(rows, key=lambda row: row.is_current)
    none = "no live process is known to have a value"
    if output.on_terminal():
        heads = ("PID", "USER", "SINCE", "VALUE", "CHANNEL", "PROGRAM")
        output.print_table(heads, [_cells(row) for row in rows], none=none)
    else:
        output.print_table(_HEADS, [_all_cells(row) for row in rows], none=none)


_HEADS = (
    "PID",
    "USER",
    "SINCE",
    "LEVEL",
    "VERSION",
    "STATE",
    "CHANNEL",
    "HOW",
    "PROGRAM",
    "UNIT",
    "CONTAINER",
    "READER",
)


def _cells(row: control.HolderRow) -> "tuple[str, ...]":
    value = f"{row.source}@{row.version} {_state(row)}"
    return str(row.pid), row.user or str(row.uid), output.shown_time(row.since), value, row.channel, about(row)


def _all_cells(row: control.HolderRow) -> "tuple[str, ...]":
    user, version, reader = row.user or str(row.uid), str(row.version), str(row.reader)
    head = (str(row.pid), user, row.since, row.source, version, _state(row), row.channel, row.kind)
    return *head, program(row), row.unit or "-", row.container or "-", reader


def is_sure(row: control.HolderRow) -> bool:
    """Tell whether a process has the value, and not perhaps."""
    return not _HOW.get(row.kind, "").startswith(_PERHAPS)


def _state(row: control.HolderRow) -> str:
    return "now" if row.is_current else "renewed" if row.is_renewed else "old"


def program(row: control.HolderRow) -> str:
    """Return what a process runs: its script, else its executable, with its own name where that is another one."""
    return " ".join(part for part in (row.script or row.executable, f"({row.name})" if row.name else "") if part) or "-"


def about(row: control.HolderRow) -> str:
    """Return what a process runs, where, and how it has the value."""
    place = row.unit or (f"container {row.container}" if row.container else "")
    below = f"below {row.reader}" if row.reader not in (0, row.pid) else ""
    token = row.rule.partition(" ")[0] if _TOKEN in row.rule else ""
    parts = (program(row), place, below, f"with token {token}" if token else "", _HOW.get(row.kind, row.kind))
    return ", ".join(part for part in parts if part)

"""The machines that share their access logs, in words: which do, how old their newest entries are, what is wrong."""

from envfs.protocol import control
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY_SIGNS = 8
_STATES = {
    "none": "shares nothing",
    "closed": "sealed to others",
    "missing": "what was here is gone",
}


def print_machines(rows: "Sequence[control.LogMachineRow]", *, as_json: bool) -> None:
    """List the machines."""
    if as_json:
        output.rows_json(rows)
        return
    output.print_table(
        ("MEMBER", "MACHINE", "KEY", "STATE", "ENTRIES", "SENT"),
        [_cells(row) for row in rows],
        none="no machine has a log here",
    )


def print_verified(rows: "Sequence[control.LogMachineRow]", *, as_json: bool) -> None:
    """Say for each machine whether its log is whole as far as it was shared."""
    if as_json:
        output.rows_json(rows)
        return
    for row in rows:
        name = f"{output.clean(row.member)} {output.clean(row.host) or row.device[:_KEY_SIGNS]}"
        if row.faults:
            output.print_line(f"{name}: {output.clean(row.faults[0])}")
            for text in row.faults[1:]:
                output.print_line(f"{name}: {output.clean(text)}")
        elif row.batches:
            batches = "1 batch" if row.batches == 1 else f"{row.batches:,} batches"
            newest = output.shown_time(row.time)
            output.print_line(f"{name}: whole: {row.entries:,} entries in {batches}, the newest of {newest}")
        else:
            output.print_line(f"{name}: {_STATES.get(row.state, output.clean(row.state))}")
        if row.state == "silent":
            output.note(f"{name} has sent nothing since then: it is off, or withholds its log")


def _cells(row: control.LogMachineRow) -> "tuple[str, ...]":
    member = output.clean(row.member) + (" (former)" if row.is_former else "")
    state = _STATES.get(row.state, output.clean(row.state))
    sent = output.shown_time(row.time) if row.time else "-"
    entries = f"{row.entries:,}" if row.batches else "-"
    return member, output.clean(row.host) or "-", row.device[:_KEY_SIGNS], state, entries, sent

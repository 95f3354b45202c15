"""Which version of a level a time or a step back has led to: said on standard error, beside the result."""

from envfs.protocol import control
from envfs_cli import output


def note_chosen(row: object) -> None:
    """Say which version a command is about."""
    if isinstance(row, control.ChosenRow):
        output.note(_words(row))


def _words(row: control.ChosenRow) -> str:
    if not row.version:
        return f"{row.level} has no text of its own; its view is that of the levels above it then"
    return f"this is {row.level}@{row.version}, written {output.local_time(row.time)}"

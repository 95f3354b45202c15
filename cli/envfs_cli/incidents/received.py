"""The rows of a report, sorted by what they are about."""

from envfs.protocol import control, wire
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    Row = TypeVar("Row")


class Report(NamedTuple):
    """A report with all its parts."""

    about: control.IncidentReported
    versions: "tuple[control.VersionFactRow, ...]"
    readers: "tuple[control.ReaderFactRow, ...]"
    holders: "tuple[control.HolderRow, ...]"
    carriers: "tuple[control.CarrierRow, ...]"
    others: "tuple[control.OtherReadRow, ...]"
    refusals: "tuple[control.RefusalFactRow, ...]"


def sort_rows(about: control.IncidentReported, rows: "Sequence[object]") -> Report:
    """Make a report of the reply and the rows that came before it."""

    def of(kind: "type[Row]") -> "tuple[Row, ...]":
        return tuple(row for row in rows if isinstance(row, kind))

    return Report(
        about,
        of(control.VersionFactRow),
        of(control.ReaderFactRow),
        of(control.HolderRow),
        of(control.CarrierRow),
        of(control.OtherReadRow),
        of(control.RefusalFactRow),
    )


def report_object(report: Report, commands: "Sequence[str]") -> "dict[str, object]":
    """Return the object that `--json` prints."""
    lists: tuple[Sequence[NamedTuple], ...] = report[1:]
    parts = {name: [wire.fields_of(row) for row in rows] for name, rows in zip(Report._fields[1:], lists, strict=True)}
    return {**wire.fields_of(report.about), **parts, "commands": list(commands)}

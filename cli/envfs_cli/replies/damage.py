"""Parts of the vault that do not open: a listing names each on standard error, and ends with a status."""

from envfs.errors import AuthenticationFailed
from envfs.protocol import control
from envfs_cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    Row = TypeVar("Row")


def intact_rows(rows: "Sequence[object]", kind: "type[Row]") -> "tuple[list[Row], int]":
    """Return the rows of what opens, and the exit status. Say what does not."""
    faults = [row for row in rows if isinstance(row, control.FaultRow)]
    for row in faults:
        output.error(AuthenticationFailed(f"{row.key}: {row.reason}"))
    if faults:
        output.hint("`envfs verify` names each record that is damaged")
    return [row for row in rows if isinstance(row, kind)], AuthenticationFailed.status if faults else 0

"""The result of a scan: where, which variable of which level, and in which form.

Law: a place is listed once for each variable and form, and of places in lines that follow each other the first: a value
of several lines is one.
"""

from envfs.tuples import NamedTuple
from envfs_cli.scanning.contents import ScanPlace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.protocol.control import LeakRow
    from envfs_cli.scanning.batches import Spot

SHAPE = "shape"
_NOWHERE = (-2, -1)  # a line and an offset before all others


class ScanFinding(NamedTuple):
    """A row of the result. `line` and `column` are 0 in what is no text. A shape and a copy have no level."""

    path: str
    inside: tuple[str, ...]
    commit: str
    line: int
    column: int
    offset: int
    level: str
    name: str
    form: str
    others: tuple[str, ...] = ()

    def cells(self) -> tuple[str, str, str, str]:
        """Return it for a table."""
        return self._at(), self.level or "-", self._variables() or "-", self.form

    def _at(self) -> str:
        place = ScanPlace(self.path, self.inside, self.commit).shown()
        return f"{place}:{self.line}:{self.column}" if self.line else f"{place}: byte {self.offset}"

    def _variables(self) -> str:
        return " ".join((self.name, *(f"= {other}" for other in self.others)))


class Findings:
    """The findings of a scan, in the order in which they came."""

    def __init__(self) -> None:
        """Begin with none."""
        self.rows: list[ScanFinding] = []
        self._last: dict[tuple[object, ...], tuple[int, int]] = {}

    def add(self, spot: "Spot", leak: "LeakRow") -> None:
        """Add one, unless it is there already."""
        if self._is_new(spot, (spot.place, leak.level, leak.name, leak.form)):
            at = (*spot.place, spot.line, spot.column, spot.offset)
            self.rows.append(ScanFinding(*at, leak.level, leak.name, leak.form, leak.others))

    def _is_new(self, spot: "Spot", key: tuple[object, ...]) -> bool:
        line, offset = self._last.get(key, _NOWHERE)
        self._last[key] = max((line, offset), (spot.line, spot.offset))
        return spot.offset > offset and not (spot.line and spot.line <= line + 1)

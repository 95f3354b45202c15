"""A list that a person walks through: rows, the selected one, and a filter. No terminal is in here.

Law: the selection stays with its row, by the row's key, whatever is added, removed or hidden around it.
"""

from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class ListRow(NamedTuple):
    """A row: its key, its cells, and the class of its style. A heading cannot be selected.

    Of one that `is_wide` the first cell takes the whole width. A heading does so too.
    """

    key: str
    cells: tuple[str, ...]
    style: str = ""
    is_heading: bool = False
    is_wide: bool = False


class RowList:
    """Rows, of which `shown` are those that the filter takes, and `index` is the selected one among them."""

    def __init__(self) -> None:
        """Begin without a row."""
        self.rows: tuple[ListRow, ...] = ()
        self.shown: list[ListRow] = []
        self.index = 0
        self.filter = ""

    @property
    def selected(self) -> ListRow | None:
        """Return the selected row, or None if there is none."""
        return self.shown[self.index] if self.shown and not self.shown[self.index].is_heading else None

    @property
    def key(self) -> str:
        """Return the key of the selected row, or an empty text."""
        return self.selected.key if self.selected else ""

    def set_rows(self, rows: "Iterable[ListRow]") -> None:
        """Have other rows. The selection stays where it was, or near to it if its row is gone."""
        self.rows = tuple(rows)
        self._choose(self.key)

    def set_filter(self, text: str) -> None:
        """Show the rows that have a text in one of their cells, in letters of any case."""
        self.filter = text
        self._choose(self.key)

    def select(self, key: str) -> bool:
        """Select the row of a key. Tell whether it is shown."""
        place = next((at for at, row in enumerate(self.shown) if row.key == key and not row.is_heading), None)
        if place is not None:
            self.index = place
        return place is not None

    def move(self, steps: int) -> None:
        """Go so many rows down, or up. It ends at the first and at the last row."""
        at = max(0, min(len(self.shown) - 1, self.index + steps))
        self.index = self._off_headings(at, 1 if steps > 0 else -1)

    def move_to_edge(self, *, end: bool) -> None:
        """Go to the first row, or to the last one."""
        self.move(len(self.shown) if end else -len(self.shown))

    def _choose(self, key: str) -> None:
        wanted = self.filter.casefold()
        takes = [row for row in self.rows if not wanted or _has(row, wanted)]
        self.shown = [row for row in takes if not row.is_heading or not wanted]
        if not key or not self.select(key):
            self.index = self._off_headings(max(0, min(len(self.shown) - 1, self.index)), 1)

    def _off_headings(self, at: int, step: int) -> int:
        for direction in (step, -step):
            place = at
            while 0 <= place < len(self.shown):
                if not self.shown[place].is_heading:
                    return place
                place += direction
        return max(0, at)


def _has(row: ListRow, text: str) -> bool:
    return row.is_heading or any(text in cell.casefold() for cell in row.cells)

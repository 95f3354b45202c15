"""Lists as the screen shows them: of ten thousand rows, those alone are drawn that are seen."""

from prompt_toolkit.data_structures import Point
from prompt_toolkit.layout.controls import UIContent, UIControl

from envfs_cli.browser import columns
from envfs_cli.browser.listing import ListRow, RowList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from envfs_cli.browser.signs import Signs

_INDENT = 1  # cells at the left of each row


class ListView:
    """A list with its heads, laid out for a width. The widths of its columns are worked out once for its rows."""

    def __init__(self, listing: RowList, heads: tuple[str, ...], signs: "Signs") -> None:
        """Show `listing` under `heads`, which may be none."""
        self.listing = listing
        self._heads = heads
        self._signs = signs
        self._known: tuple[object, int, list[int]] = (None, 0, [])

    def widths(self, width: int) -> list[int]:
        """Return the widths of the columns."""
        rows, known_width, widths = self._known
        if rows is not self.listing.rows or known_width != width:
            cells = [row.cells for row in self.listing.rows if not (row.is_heading or row.is_wide)]
            shown = [*([self._heads] if self._heads else []), *cells]
            widths = columns.fit_columns(shown, width - _INDENT) if shown else []
            self._known = self.listing.rows, width, widths
        return widths

    def row_text(self, cells: tuple[str, ...], width: int, *, is_wide: bool = False) -> str:
        """Return a row as a text of exactly so many cells of the screen."""
        if is_wide:
            text = cells[0]
        else:
            pairs = zip(cells, self.widths(width), strict=True)
            text = (" " * columns.GAP).join(columns.cut_text(cell, size, self._signs.more) for cell, size in pairs)
        return columns.cut_text(" " * _INDENT + text, width, self._signs.more)

    def heads_text(self, width: int) -> str:
        """Return the heads of the columns."""
        return self.row_text(self._heads, width)


class ListControl(UIControl):
    """The list that `view` returns. `has_focus` tells whether keys move in it, and `note` what is said without rows."""

    def __init__(
        self, view: "Callable[[], ListView]", has_focus: "Callable[[], bool]", note: "Callable[[], tuple[str, str]]"
    ) -> None:
        """Draw it."""
        self._view = view
        self._has_focus = has_focus
        self._note = note

    def create_content(self, width: int, height: int | None) -> UIContent:  # noqa: ARG002 - it scrolls by itself
        """Return what is drawn: each row when it is asked for."""
        view = self._view()
        shown = view.listing.shown
        if not shown:
            style, text = self._note()
            lines = columns.wrap_words(text, max(1, width - 2 * _INDENT))
            return UIContent(lambda at: [(f"class:{style}", f" {lines[at]}")], len(lines), show_cursor=False)

        def line(at: int) -> "StyleAndTextTuples":
            row = shown[at]
            text = view.row_text(row.cells, width, is_wide=row.is_heading or row.is_wide)
            return [(self._style(row, is_selected=at == view.listing.index), text)]

        return UIContent(line, len(shown), Point(0, view.listing.index), show_cursor=False)

    def is_focusable(self) -> bool:
        """Take keys."""
        return True

    def _style(self, row: ListRow, *, is_selected: bool) -> str:
        style = f"class:{row.style}" if row.style else ""
        if not is_selected or row.is_heading:
            return style
        return f"{style} class:{'selected' if self._has_focus() else 'chosen'}"

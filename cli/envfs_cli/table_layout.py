"""The columns of a table on a terminal: as wide as their cells, or broken between words so that a row fits.

Law: a word is never broken, nor a date with its time. A table that would not fit all the same keeps its rows whole.
"""

import re

from envfs_cli import line_wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "
_IN_TIME = re.compile(r"(?<=\d-\d\d) (?=\d\d:\d\d)")
_TIED = "\N{NO-BREAK SPACE}"


def column_widths(rows: "Sequence[Sequence[str]]", limit: int) -> list[int]:
    """Return the widths of columns, in all at most `limit` with what is between them, if words allow that."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    narrowest = [max(map(_longest_word, column)) for column in columns]
    between = len(_GAP) * (len(widths) - 1)
    if sum(narrowest) + between > limit:
        return widths
    for _ in range(sum(widths) + between - limit):
        _, widest = max(
            (width - least, index) for index, (width, least) in enumerate(zip(widths, narrowest, strict=True))
        )
        widths[widest] -= 1
    return widths


def _longest_word(cell: str) -> int:
    return max(map(len, _tied(cell).split(" ")))


def _tied(cell: str) -> str:
    return _IN_TIME.sub(_TIED, cell)


def row_lines(row: "Sequence[str]", widths: "Sequence[int]") -> list[str]:
    """Return a row as one line, or as several where a cell is wider than its column."""
    cells = [
        [cell]
        if len(cell) <= width
        else [line.replace(_TIED, " ") for line in line_wrap.wrap_paragraph(_tied(cell), width)]
        for cell, width in zip(row, widths, strict=True)
    ]
    height = max(map(len, cells), default=1)
    return [_aligned([cell[line] if line < len(cell) else "" for cell in cells], widths) for line in range(height)]


def _aligned(row: "Sequence[str]", widths: "Sequence[int]") -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

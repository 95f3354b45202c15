"""The columns of a table on a terminal: as wide as their cells, or broken between words so that a row fits.

Laws: a moment is never broken, nor a command in backticks. Another word is broken where the table would not
fit else, behind a sign such as a slash. A table that would not fit all the same keeps its rows whole.
"""

import re

from envfs_cli import line_wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = "  "
_IN_TIME = re.compile(r"(?<=\d-\d\d) (?=\d\d:\d\d)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_TIED = "\N{NO-BREAK SPACE}"
_LEAST = 8  # letters of a word that stay together
_SIGNS = "/,:-_.="


def column_widths(rows: "Sequence[Sequence[str]]", limit: int) -> list[int]:
    """Return the widths of columns, in all at most `limit` with what is between them, if words allow that."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    narrowest = [max(map(_longest_word, column)) for column in columns]
    between = len(_GAP) * (len(widths) - 1)
    if sum(narrowest) + between > limit:
        return _widths_of_broken(columns, narrowest, limit - between) or widths
    for _ in range(sum(widths) + between - limit):
        _, widest = max(
            (width - least, index) for index, (width, least) in enumerate(zip(widths, narrowest, strict=True))
        )
        widths[widest] -= 1
    return widths


def _widths_of_broken(columns: "Sequence[Sequence[str]]", narrowest: list[int], limit: int) -> list[int] | None:
    least = [max(_least_width(word) for cell in column for word in _words(cell)) for column in columns]
    if sum(least) > limit:
        return None
    widths = narrowest[:]
    while sum(widths) > limit:
        _, widest = max((width, at) for at, width in enumerate(widths) if width > least[at])
        widths[widest] -= 1
    return widths


def _least_width(word: str) -> int:
    is_whole = _TIED in word or "`" in word or _MOMENT.match(word)
    return len(word) if is_whole else min(len(word), _LEAST)


def _longest_word(cell: str) -> int:
    return max(map(len, _words(cell)))


def _words(cell: str) -> list[str]:
    return _tied(cell).split(" ")


def _tied(cell: str) -> str:
    return _IN_TIME.sub(_TIED, cell)


def row_lines(row: "Sequence[str]", widths: "Sequence[int]") -> list[str]:
    """Return a row as one line, or as several where a cell is wider than its column."""
    cells = [
        [cell]
        if len(cell) <= width
        else [line.replace(_TIED, " ") for line in line_wrap.wrap_paragraph(_with_pieces(cell, width), width)]
        for cell, width in zip(row, widths, strict=True)
    ]
    height = max(map(len, cells), default=1)
    return [_aligned([cell[line] if line < len(cell) else "" for cell in cells], widths) for line in range(height)]


def _with_pieces(cell: str, width: int) -> str:
    # a word that is wider than its column, in pieces with a blank between them
    return " ".join(piece for word in _words(cell) for piece in _pieces(word, width))


def _pieces(word: str, width: int) -> "Iterator[str]":
    while len(word) > width >= _least_width(word):
        behind = max(word.rfind(sign, width // 2, width) for sign in _SIGNS) + 1
        yield word[: behind or width]
        word = word[behind or width :]
    yield word


def _aligned(row: "Sequence[str]", widths: "Sequence[int]") -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

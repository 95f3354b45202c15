"""Lines that fit a terminal: broken between words, never inside of what stands in backticks, which is to be pasted."""

import os
import sys

_DEFAULT = 80
_WIDEST = 100
_NARROWEST = 40
_DIGITS = 10  # of a width, fewer. Python reads no number of thousands


def terminal_width(descriptor: int = 1) -> int:
    """Return how many characters a line may have: COLUMNS, else the terminal's at a descriptor, else 80."""
    return min(table_width(descriptor), _WIDEST)


def table_width(descriptor: int = 1) -> int:
    """Return the same for a row of a table, which may be as wide as the terminal."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and len(columns) < _DIGITS and int(columns):
        return max(_NARROWEST, int(columns))
    try:
        size = os.get_terminal_size(descriptor).columns or _DEFAULT
    except OSError:
        size = _DEFAULT
    return max(_NARROWEST, size)


def wrap_paragraph(text: str, columns: int, first: str = "", others: str = "") -> list[str]:
    """Break one paragraph into lines behind the indents `first` and `others`. An empty one is an empty line."""
    lines, current, empty = [], first, True
    for word in _words(text):
        if not empty and len(current) + 1 + len(word) > columns:
            lines.append(current)
            current, empty = others, True
        current = f"{current}{'' if empty else ' '}{word}"
        empty = False
    return [*lines, current]


def _words(text: str) -> list[str]:
    words: list[str] = []
    quoted = False
    for part in text.split(" "):
        if quoted:
            words[-1] += f" {part}"
        elif part:
            words.append(part)
        quoted ^= part.count("`") % 2 == 1
    return words


def wrap_message(text: str, taken: int, indent: int = len("envfs: ")) -> str:
    """Return a message for a terminal at standard error, whose first line begins after `taken` characters."""
    if not sys.stderr.isatty():
        return text
    first, *others = wrap_paragraph(text, terminal_width(2), " " * taken, " " * indent)
    return "\n".join([first[taken:], *others])

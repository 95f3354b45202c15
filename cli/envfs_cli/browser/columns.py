"""The columns of a list on the screen: one line a row, and a text that does not fit ends with a sign."""

import unicodedata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2
_LEAST = 4  # cells of a column that has to give way
_WIDE = "WF"  # east asian width of letters that take two cells


def text_width(text: str) -> int:
    """Return how many cells of a screen a text takes."""
    if text.isascii():
        return len(text)
    return sum(letter_width(letter) for letter in text)


def letter_width(letter: str) -> int:
    """Return how many cells of a screen a letter takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in _WIDE else 1


def fit_columns(rows: "Sequence[Sequence[str]]", width: int) -> list[int]:
    """Return the widths of columns so that they fit into a width: the widest give way first, the last one too."""
    columns = zip(*rows, strict=True)
    widths = [max(map(text_width, column), default=0) for column in columns]
    over = sum(widths) + GAP * (len(widths) - 1) - width
    while over > 0 and max(widths) > _LEAST:
        widest = max(range(len(widths)), key=lambda at: (widths[at], at))
        others = sorted(widths)[-2] if len(widths) > 1 else 0
        step = max(1, min(over, widths[widest] - max(others, _LEAST)))
        widths[widest] -= step
        over -= step
    return widths


def cut_text(text: str, width: int, more: str) -> str:
    """Return a text of exactly so many cells: filled with blanks, or cut before the sign that says so."""
    taken = text_width(text)
    if taken <= width:
        return text + " " * (width - taken)
    part, cells = "", 0
    for letter in text:
        step = letter_width(letter)
        if cells + step > width - text_width(more):
            break
        part, cells = part + letter, cells + step
    return (part + more + " " * width)[: len(part) + len(more) + max(0, width - cells - text_width(more))]


def wrap_letters(text: str, width: int) -> list[str]:
    """Return a text as lines of at most so many cells, each broken where it is full."""
    lines: list[str] = []
    line, cells = "", 0
    for letter in text:
        step = letter_width(letter)
        if cells + step > width:
            lines.append(line)
            line, cells = "", 0
        line, cells = line + letter, cells + step
    return [*lines, line]


def wrap_words(text: str, width: int) -> list[str]:
    """Return a text as lines of at most so many cells, broken between words, or within one that is wider alone."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if text_width(longer) <= width:
            lines[-1] = longer
        else:
            lines += wrap_letters(word, width)
    return lines[1:] if len(lines) > 1 and not lines[0] else lines

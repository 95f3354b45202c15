"""Reading the next version of a text that was read before: only the part that differs is read again.

Law: the variables are those that `parse_document` finds, whatever the two texts are. A run of comments may be cut into
more entries than there. It rests on the scanner's law that an entry means the same whatever stands before or after it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate
from operator import attrgetter

from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.scanner import scan
from envfs.errors import Malformed

_RAW = attrgetter("raw")
_LINE_ENDS = ("\n", "\r")


def reread_document(old: Document, old_text: str, text: str) -> Document:
    """Return the document of `text`. `old_text` is the text of `old`.

    Raises:
        Malformed, TooLarge: as `parse_document`
    """
    most, old_size, size = min(len(old_text), len(text)), len(old_text), len(text)
    begin = _longest(most, lambda low, high: old_text[low:high] == text[low:high])
    end = _longest(
        most - begin, lambda low, high: old_text[old_size - high : old_size - low] == text[size - high : size - low]
    )
    stops = [0, *accumulate(map(len, map(_RAW, old.entries)))]
    # one entry more on both sides, as what stands at an edge may be half of a line end
    first = max(0, bisect_right(stops, begin) - 2)
    last = min(len(old.entries), bisect_left(stops, old_size - end) + 1)
    middle = text[stops[first] : size - (old_size - stops[last])]
    return _spliced(old, first, last, middle) or parse_document(text)


def _spliced(old: Document, first: int, last: int, middle: str) -> Document | None:
    later_entries = old.entries[last:]
    if later_entries and not _is_cut_between_lines(middle, later_entries[0].raw):
        return None
    try:
        entries = tuple(scan(middle, old.entries[first].line if old.entries else 1))
    except Malformed:  # such as a quote that ends further down. Its place is counted in the whole text
        return None
    return Document((*old.entries[:first], *entries, *later_entries))


def _is_cut_between_lines(middle: str, later: str) -> bool:
    return middle.endswith(_LINE_ENDS) and not (middle.endswith("\r") and later.startswith("\n"))


def _longest(most: int, is_same: Callable[[int, int], bool]) -> int:
    """Return for how far two texts are the same, up to `most`, by asking about stretches."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if is_same(low, middle):
            low = middle
        else:
            high = middle - 1
    return low

"""Reading the next version of a text that was read before: only the part that differs is read and compared.

Law: the variables are those that `parse_document` finds, whatever the texts are. A run of comments may be cut into
more entries than there. It rests on the scanner's law that an entry means the same whatever stands before or after it.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from envfs.dotenv.document import Document, Entry, parse_document
from envfs.dotenv.scanner import scan
from envfs.errors import Malformed

_RAW, _NAME = attrgetter("raw"), attrgetter("name")
_LINE_ENDS = ("\n", "\r")


class _Part(NamedTuple):
    """The difference of two texts: the entries of the old one from `first` to `last`, and those in their place."""

    first: int
    last: int
    entries: tuple[Entry, ...]

    def put_into(self, old: Document) -> Document:
        """Return the document of the new text."""
        return Document((*old.entries[: self.first], *self.entries, *old.entries[self.last :]))


class VersionReader:
    """Reads the versions of a text one after the other, each by what differs from the one before."""

    def __init__(self) -> None:
        """Begin before the first version, where there is no text."""
        self._text, self._document = "", Document(())
        self._counts: Counter[str] = Counter()  # how often each name is set

    def read(self, text: str) -> tuple[dict[str, str], dict[str, str]]:
        """Read the next version. Returns variables of the version before, and of this one.

        All that differ are among them, in the order in which their texts have them.

        Raises:
            Malformed, TooLarge: as `parse_document`
        """
        old, part = self._document, _differing_part(self._document, self._text, text) if self._text else None
        if part is None:
            document = parse_document(text)
            self._counts = Counter(filter(None, map(_NAME, document.entries)))
        else:
            document = part.put_into(old)
        self._text, self._document = text, document
        if part is None:
            return old.variables(), document.variables()
        return self._around(old, part, document)

    def _around(self, old: Document, part: _Part, new: Document) -> tuple[dict[str, str], dict[str, str]]:
        before, now = Document(old.entries[part.first : part.last]), Document(part.entries)
        self._counts.subtract(filter(None, map(_NAME, before.entries)))
        names = {*before.variables(), *now.variables()}
        is_set_elsewhere = any(self._counts[name] for name in names)
        self._counts.update(filter(None, map(_NAME, now.entries)))
        if is_set_elsewhere:  # then the order of all of them decides which one counts
            return _variables_among(old, names), _variables_among(new, names)
        return before.variables(), now.variables()


def _variables_among(document: Document, names: AbstractSet[str]) -> dict[str, str]:
    return Document(tuple(entry for entry in document.entries if entry.name in names)).variables()


def _differing_part(old: Document, old_text: str, text: str) -> _Part | None:
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
    if last < len(old.entries) and not _is_cut_between_lines(middle, old.entries[last].raw):
        return None
    try:
        return _Part(first, last, tuple(scan(middle, old.entries[first].line if old.entries else 1)))
    except Malformed:  # such as a quote that ends further down. Its place is counted in the whole text
        return None


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

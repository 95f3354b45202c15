"""Where many texts stand in a large one: one pass over it for a few bytes of each, and a look at what is around a hit.

An automaton of whole texts is too large for the processor's caches. So it has of each text the 8 bytes that are most
unlike others, and what it finds is compared with the whole text.

Laws: what is found stands there to the letter, but for blanks and line ends within a text that may be wrapped. The
places of one text are bounded, so that one that stands there often hides no other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import ahocorasick_rs

from envfs.core.value_form import ValueForm
from envfs.keyholder.scanning.written_forms import WrittenForm

_WINDOWS: Final = {ValueForm.HEX: 12, ValueForm.UTF_16: 16}  # bytes, where 8 of them say less
_WINDOW: Final = 8
_MOST_COMPARED: Final = 4096  # bytes of a text: a longer one is found by its beginning
_PLACES: Final = 64  # that are tried for a window
_MOST_OF_ONE, _MOST_OF_ALL = 4096, 16384  # places; once there are so many of all, a text that has one gets no other
_SLICE: Final = 1 << 17  # bytes that are searched at once: each may begin a window, of which each takes 140 bytes
_BLANKS: Final = b" \t\r\n"
_WRAPPED_AT: Final = 8  # of so many signs one at most is a blank


class SoughtText(NamedTuple):
    """A form of a text, and the number of what it belongs to. It shows no text."""

    owner: int
    written: WrittenForm

    def __repr__(self) -> str:
        """Show no text."""
        return f"SoughtText({self.owner}, {self.written.form})"


class Match(NamedTuple):
    """A text that was found: where it begins, what it belongs to, and its form."""

    start: int
    owner: int
    form: ValueForm


class _Window(NamedTuple):
    """A part of a text, from `at` on, that the automaton looks for."""

    at: int
    sought: SoughtText


class Matcher:
    """An automaton for some texts."""

    def __init__(self, texts: Iterable[SoughtText]) -> None:
        """Build it."""
        windows: dict[bytes, list[_Window]] = {}
        for sought in texts:
            for at, part in _windows(sought.written):
                windows.setdefault(part, []).append(_Window(at, sought))
        self._windows = list(windows.values())
        # a DFA takes most memory and least time: 470 MB/s, and 120 MB/s for the smaller forms (ahocorasick_rs 1.0)
        self._automaton = ahocorasick_rs.BytesAhoCorasick(
            list(windows) or [b"\0nothing"], implementation=ahocorasick_rs.Implementation.DFA
        )

    def search(self, text: memoryview) -> "SearchResult":
        """Return what stands in a text, in the order of the places, each place once."""
        search = _Search(self._windows)
        size = max(_WINDOW, *_WINDOWS.values()) - 1  # bytes of a window on the other side of a border
        for first in range(0, len(text), _SLICE) if self._windows else ():
            with text[first : first + _SLICE + size] as part:
                hits = self._automaton.find_matches_as_indexes(part, overlapping=True)
            for number, start, _ in hits:
                search.look(text, number, first + start)
        return SearchResult(sorted(search.matches), search.more)


class SearchResult(NamedTuple):
    """The places, and whether there are more."""

    matches: list[Match]
    more: bool


class _Search:
    """A search in a text, with the places so far."""

    def __init__(self, windows: list[list[_Window]]) -> None:
        self._windows = windows[:]
        self._counts: Counter[int] = Counter()
        self.matches: set[Match] = set()
        self.more = False

    def look(self, text: memoryview, number: int, start: int) -> None:
        """Look at what is around a window."""
        for window in self._windows[number]:
            begin = _begin(text, start, window)
            if begin >= 0:
                self._add(Match(begin, window.sought.owner, window.sought.written.form), number)

    def _add(self, match: Match, number: int) -> None:
        most = _MOST_OF_ONE if len(self.matches) < _MOST_OF_ALL else 1
        if match in self.matches:
            return
        if self._counts[match.owner] >= most:
            self.more = True
            self._windows[number] = [each for each in self._windows[number] if each.sought.owner != match.owner]
            return
        self._counts[match.owner] += 1
        self.matches.add(match)


def _windows(written: WrittenForm) -> Iterator[tuple[int, bytes]]:
    text, size = written.text[:_MOST_COMPARED], _WINDOWS.get(written.form, _WINDOW)
    # side by side: where lines are longer than the two together, a line end is in one of them alone
    count = 2 if written.is_wrapped and len(text) >= 2 * size else 1
    last = max(0, len(text) - count * size)
    at = max(range(min(last, _PLACES) + 1), key=lambda at: _rank(text[at : at + count * size]))
    for first in range(at, at + count * size, size):
        yield first, text[first : first + size]


def _rank(part: bytes) -> tuple[int, bool]:
    # beginnings such as `sk-proj-` stand in other texts too
    return len(set(part)), not part.isalpha() and not part.isdigit()


def _begin(text: memoryview, start: int, window: _Window) -> int:
    # where the whole text begins, or -1
    written = window.sought.written
    whole = written.text[:_MOST_COMPARED]
    begin = start - window.at
    if begin >= 0 and text[begin : begin + len(whole)] == whole:
        return begin
    return _begin_of_wrapped(text, start, window.at, whole) if written.is_wrapped else -1


def _begin_of_wrapped(text: memoryview, start: int, at: int, whole: bytes) -> int:
    room = len(whole) + len(whole) // _WRAPPED_AT + 2
    later = bytes(text[start : start + room]).translate(None, _BLANKS)
    earlier = bytes(text[max(0, start - room) : start])
    if not later.startswith(whole[at:]) or not earlier.translate(None, _BLANKS).endswith(whole[:at]):
        return -1
    begin, missing = len(earlier), at
    while missing:
        begin -= 1
        missing -= earlier[begin] not in _BLANKS
    return start - len(earlier) + begin

"""Texts of one stream become others, whatever the borders of its pieces.

Laws: fed whole or byte by byte, a stream becomes the same. At each place the longest text there is replaced, and
nothing within what was put in. A text of fewer than 8 bytes stays, as it stands in outputs by chance.
"""

import ahocorasick_rs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST = 8  # bytes
_PREFIX = 16  # bytes of a text that are looked for. The others are compared where these stand
_FEW = 100  # texts: for these the library has a way of its own, which is quicker than an automaton
_SHOWN_EARLY = 3  # bytes of what is held back that a person who waits may see


class MaskedStream:
    """The replacement of texts in one stream."""

    def __init__(self, others: "Mapping[bytes, bytes]") -> None:
        """Replace each text by the other one."""
        self._others = {text: other for text, other in others.items() if len(text) >= SHORTEST}
        self._prefixes: dict[bytes, list[bytes]] = {}
        for text in sorted(self._others, key=len, reverse=True):
            self._prefixes.setdefault(text[:_PREFIX], []).append(text)
        self._texts = list(self._prefixes.values())
        sizes = range(1, _PREFIX)
        self._beginnings = frozenset(text[:size] for text in self._others for size in sizes if size < len(text))
        self._longest = max(map(len, self._others), default=0)
        automaton = None if len(self._prefixes) <= _FEW else ahocorasick_rs.Implementation.DFA
        self._automaton = ahocorasick_rs.BytesAhoCorasick(self._prefixes or [b"\0nothing"], implementation=automaton)
        self._held = b""
        self._shown = 0  # bytes of it that were passed on

    @property
    def holds(self) -> bool:
        """Tell whether something is held back that a person who waits may see."""
        return self._shown < min(len(self._held), _SHOWN_EARLY)

    def feed(self, data: bytes) -> bytes:
        """Take the next piece. Return what is certain of the stream that comes out."""
        return self._take(data, at_end=False)

    def finish(self) -> bytes:
        """Return the remainder, at the end of the stream."""
        return self._take(b"", at_end=True)

    def show(self) -> bytes:
        """Return the first bytes of what is held back: somebody waits, as for the echo of a key.

        If it turns out as a text, what follows of it is replaced all the same.
        """
        early = self._held[self._shown : _SHOWN_EARLY]
        self._shown += len(early)
        return early

    def _take(self, data: bytes, *, at_end: bool) -> bytes:
        data = self._held + data if self._held else data
        out, end = self._replaced(data, at_end=at_end)
        self._held = data[end:]
        if not self._shown:
            return out
        fresh, self._shown = out[self._shown :], max(0, self._shown - len(out))
        return fresh

    def _replaced(self, data: bytes, *, at_end: bool) -> tuple[bytes, int]:
        # also up to which place that is
        pieces: list[bytes] = []
        at, end = 0, len(data) if at_end else self._begun(data, 0)
        for start, text in self._standing(data):
            if start >= end:
                break
            if start >= at:
                pieces += (data[at:start], self._others[text])
                at = start + len(text)
                if end < at:
                    end = len(data) if at_end else self._begun(data, at)
        return (b"".join((*pieces, data[at:end])) if pieces else data[:end]), end

    def _standing(self, data: bytes) -> "Iterator[tuple[int, bytes]]":
        # by place, and at one place the longest first
        if self._texts:
            candidates = self._automaton.find_matches_as_indexes(data, overlapping=True)
            places = sorted((start, -end, number) for number, start, end in candidates)
            for start, _, number in places:
                for text in self._texts[number]:
                    if data.startswith(text, start):
                        yield start, text
                        break

    def _begun(self, data: bytes, at: int) -> int:
        # where, from `at` on, the first text begins of which the end has not come yet
        first = max(at, len(data) - self._longest + 1)
        if self._longest > _PREFIX and len(data) - first >= SHORTEST:
            tail = data[first:]
            for number, start, _ in sorted(
                self._automaton.find_matches_as_indexes(tail, overlapping=True), key=lambda match: match[1]
            ):
                if any(len(text) > len(tail) - start and text.startswith(tail[start:]) for text in self._texts[number]):
                    return first + start
        for start in range(max(first, len(data) - _PREFIX + 1), len(data)):
            if data[start:] in self._beginnings:
                return start
        return len(data)

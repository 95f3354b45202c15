"""Replacing texts in a stream of bytes, whatever the borders of its pieces.

Laws: fed whole or byte by byte, a stream becomes the same. At each place the longest text that stands there is
replaced, and nothing is replaced within what was put in. How much is held back tells nothing of a line of a text:
it is what stands behind the last line feed, and no more than the longest first line needs, and whole lines before it.
Else who can send a guess through a stream would find a text byte by byte.
"""

from collections.abc import Sequence
from typing import NamedTuple

Text = bytes | memoryview


class Replacement(NamedTuple):
    """A text, and what comes into its place. Either may lie in secret memory."""

    text: Text
    other: Text


class Replacer:
    """The replacement of texts in one stream."""

    def __init__(self, pairs: Sequence[Replacement]) -> None:
        """Replace the text of each pair. An empty text is in no stream."""
        longest_first = sorted(enumerate(pairs), key=lambda numbered: -len(numbered[1].text))
        self._pairs = [(number, *pair) for number, pair in longest_first if len(pair.text)]
        first_lines = [(bytes(text).find(b"\n") + 1 or len(text), text) for _, text, _ in self._pairs]
        self._longest_line = max((size for size, _ in first_lines), default=1)
        self._of_lines = [text for size, text in first_lines if size < len(text)]
        self._longest = max(map(len, self._of_lines), default=1)
        self._held = b""
        self.replaced: set[int] = set()  # places in `pairs` of those that stood in the stream

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the stream. Return what is certain of the stream that comes out."""
        data = self._held + data if self._held else data
        out, end = self._replace(data, at_end=False)
        self._held = data[end:]
        return out

    def finish(self) -> bytes:
        """Return the remainder, at the end of the stream."""
        out, _ = self._replace(self._held, at_end=True)
        self._held = b""
        return out

    def _replace(self, data: bytes, *, at_end: bool) -> tuple[bytes, int]:
        # also up to which place that is
        pieces: list[Text] = []
        at, end = 0, self._begun(data, 0, at_end=at_end)
        places = [data.find(text) for _, text, _ in self._pairs]
        while True:
            start, number, text, other = self._first(data, at, places)
            if number < 0 or end <= start:
                break
            pieces += [data[at:start], other]
            self.replaced.add(number)
            at = start + len(text)
            if end < at:
                end = self._begun(data, at, at_end=at_end)
        return (b"".join([*pieces, data[at:end]]) if pieces else data[:end]), end

    def _first(self, data: bytes, at: int, places: list[int]) -> tuple[int, int, Text, Text]:
        # of the texts that stand first the longest, which comes first in `_pairs`
        best: tuple[int, int, Text, Text] = (len(data), -1, b"", b"")
        for turn, (number, text, other) in enumerate(self._pairs):
            if 0 <= places[turn] < at:
                places[turn] = data.find(text, at)
            if 0 <= places[turn] < best[0]:
                best = places[turn], number, text, other
        return best

    def _begun(self, data: bytes, at: int, *, at_end: bool) -> int:
        # where, from `at` on, the first text may begin of which the end has not come yet
        if at_end:
            return len(data)
        line, end = max(at, len(data) - self._longest_line + 1), data.rfind(b"\n") + 1
        for start in range(max(at, len(data) - self._longest + 1), end):
            if any(len(text) > len(data) - start and text[: end - start] == data[start:end] for text in self._of_lines):
                return start
        return max(line, end)


def replace_texts(data: bytes, pairs: Sequence[Replacement]) -> bytes:
    """Return bytes with texts replaced."""
    replacer = Replacer(pairs)
    return replacer.feed(data) + replacer.finish()

"""References inside values: `$NAME` and `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+alternative}`.

The colon may be left out: then an empty value counts as one. Anything else with a `$` is text, `$(command)` too.

Laws: a template is cut up in one pass over it, whatever it holds. A value in single quotes and an escaped `$` have no
references.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from envfs.dotenv.scanner import Entry, text_places
from envfs.dotenv.values import written_offsets

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_MARK = re.compile(r"\$\{|\}")
_WITHOUT_NAME = ("-", "+")  # the operators that say what is meant if the name is not set
_DEEPEST = 40  # references inside references; what is deeper is text


class Reference(NamedTuple):
    """A name that is looked up. `operator` is empty or one of `:- - :? ? :+ +`, and `word` what stands behind it."""

    name: str
    operator: str = ""
    word: "tuple[Piece, ...]" = ()

    def __repr__(self) -> str:
        """Show the name, and not the word."""
        return f"Reference({self.name!r}, {self.operator!r})"


Piece = str | Reference


def has_references(entry: Entry) -> bool:
    """Tell quickly whether a value may hold a reference."""
    return entry.value is not None and entry.quote != "'" and "$" in entry.value


def cut_pieces(entry: Entry) -> tuple[Piece, ...]:
    """Cut a value into text and references."""
    if entry.value is None or not has_references(entry):
        return (entry.value,) if entry.value else ()
    return _Cutter(entry.value, frozenset(entry.literal)).cut(0, len(entry.value), 0)


def nested_references(found: tuple[Piece, ...]) -> Iterator[Reference]:
    """Yield the references of a template, those inside words too."""
    for piece in found:
        if isinstance(piece, Reference):
            yield piece
            yield from nested_references(piece.word)


class ReferencePlace(NamedTuple):
    """Where a `$` stands: which character of the value it is, and its line and column in the text, all from 1."""

    character: int
    line: int
    column: int


def reference_places(entry: Entry) -> dict[str, ReferencePlace]:
    """Return by name where the first reference of a value to it begins.

    One that has a default for a name that is not set comes after those that have none.
    """
    if entry.value is None or not has_references(entry):
        return {}
    value = entry.value
    cutter = _Cutter(value, frozenset(entry.literal))
    cut = nested_references(cutter.cut(0, len(value), 0))
    starts: dict[str, tuple[bool, int]] = {}
    for reference, start in zip(cut, cutter.starts, strict=True):
        here = (reference.operator[-1:] in _WITHOUT_NAME, start)
        starts[reference.name] = min(here, starts.get(reference.name, here))
    offsets = sorted(start for _, start in starts.values())
    written = written_offsets(entry.raw[entry.start : entry.end], entry.quote, offsets)
    lines = text_places(entry.raw, (entry.start + at for at in written))
    places = {
        offset: ReferencePlace(offset + 1, entry.line + line - 1, column)
        for offset, (line, column) in zip(offsets, lines, strict=True)
    }
    return {name: places[start] for name, (_, start) in starts.items()}


class _Cutter:
    def __init__(self, text: str, literal: frozenset[int]) -> None:
        self._text = text
        self._literal = literal
        self._ends = self._matching()
        self.starts: list[int] = []  # of the references that were cut, in the order of `nested_references`

    def _matching(self) -> dict[int, int]:
        # where each ${ ends: a } closes the innermost one that is open
        opened: list[int] = []
        ends = {}
        for mark in _MARK.finditer(self._text):
            if mark[0] == "}":
                if opened:
                    ends[opened.pop()] = mark.start()
            elif mark.start() not in self._literal:
                opened.append(mark.start())
        return ends

    def cut(self, start: int, end: int, depth: int) -> tuple[Piece, ...]:
        parts: list[Piece] = []
        at = last = start
        while (at := self._text.find("$", at, end)) >= 0:
            reference, after = (None, at + 1) if at in self._literal else self._reference(at, end, depth)
            if reference is not None:
                if at > last:
                    parts.append(self._text[last:at])
                parts.append(reference)
                last = after
            at = after
        if end > last:
            parts.append(self._text[last:end])
        return tuple(parts)

    def _reference(self, at: int, end: int, depth: int) -> tuple[Reference | None, int]:
        close = self._ends.get(at)
        if close is None or close >= end:
            name = _NAME.match(self._text, at + 1, end)
            if name is None:
                return None, at + 1
            self.starts.append(at)
            return Reference(name[0]), name.end()
        name = _NAME.match(self._text, at + 2, close)
        if name is None or depth == _DEEPEST:
            return None, at + 2
        if name.end() == close:
            self.starts.append(at)
            return Reference(name[0]), close + 1
        operator = _OPERATOR.match(self._text, name.end(), close)
        if operator is None:
            return None, at + 2
        self.starts.append(at)
        word = self.cut(operator.end(), close, depth + 1)
        return Reference(name[0], operator[0], word), close + 1

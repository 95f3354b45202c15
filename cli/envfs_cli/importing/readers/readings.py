"""The reading of one reader: assignments in order, each in pieces of text and references.

Laws: nothing is ever run. Where a reader would run something, or a model cannot tell, the pieces are None.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from envfs.dotenv.references import Piece, Reference

_DEEPEST = 40
_NAME_LIKE = re.compile(r"[A-Za-z0-9_.-]{1,256}")


class Reading(NamedTuple):
    """One assignment as a reader reads it. `pieces` is None where that cannot be told without running something."""

    name: str
    pieces: tuple[Piece, ...] | None

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"Reading({self.name!r})"


class RefusedText(Exception):
    """The reader refuses the text as a whole."""


Read = Callable[[str], list[Reading]]


def literal_text(value: str) -> tuple[Piece, ...]:
    """Return the pieces of a value without references."""
    return (value,) if value else ()


def printable_names(names: Iterable[str]) -> list[str]:
    """Return names as a message may show them: a reader may take a line of a key for an assignment."""
    return list(dict.fromkeys(name if _NAME_LIKE.fullmatch(name) else "a line without a name" for name in names))


def join_pieces(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Put text beside text together."""
    parts: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and parts and isinstance(parts[-1], str):
            parts[-1] += piece
        elif piece != "":
            parts.append(piece)
    return tuple(parts)


def by_name(readings: Iterable[Reading], *, first: bool = False) -> dict[str, Reading]:
    """Return the assignment of each name that counts: the last, or the first."""
    table: dict[str, Reading] = {}
    for reading in readings:
        if not first or reading.name not in table:
            table[reading.name] = reading
    return table


def resolve_readings(
    readings: Iterable[Reading], environ: Mapping[str, str], *, whole: bool = False
) -> dict[str, str | None]:
    """Return what a program gets that has `environ`: None where it cannot be told.

    References are answered from what stands above, or with `whole` from anywhere in the text.
    """
    listed = list(readings)
    values: dict[str, str | None] = {}
    ahead = by_name(listed) if whole else {}
    for reading in listed:
        values[reading.name] = _Answer(values, ahead, environ).value(reading.pieces, (reading.name,))
    return values


class _Answer:
    def __init__(
        self, values: Mapping[str, str | None], ahead: Mapping[str, Reading], environ: Mapping[str, str]
    ) -> None:
        self._values = values
        self._ahead = ahead
        self._environ = environ

    def value(self, pieces: tuple[Piece, ...] | None, path: tuple[str, ...]) -> str | None:
        texts = [piece if isinstance(piece, str) else self._reference(piece, path) for piece in pieces or ()]
        present = [part for part in texts if part is not None]
        return None if pieces is None or len(present) < len(texts) else "".join(present)

    def _reference(self, reference: Reference, path: tuple[str, ...]) -> str | None:
        name, operator = reference.name, reference.operator
        if name in self._ahead and name not in path and len(path) < _DEEPEST:
            value = self.value(self._ahead[name].pieces, (*path, name))
        elif name in self._values:
            value = self._values[name]
        else:
            value = self._environ.get(name, "") if name in self._environ else None
            if value is None:
                return self.value(reference.word, path) if operator[-1:] == "-" else ""
        if value is None:
            return None
        counts = bool(value) or not operator.startswith(":")
        if operator[-1:] == "+":
            return self.value(reference.word, path) if counts else ""
        return self.value(reference.word, path) if operator[-1:] == "-" and not counts else value


def lines_matched(content: str, line: re.Pattern[str], blanks: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield what `line` matches, from the start of one line to the start of the next one.

    All `blanks` before a line are passed at once: an expression that searched would go over them again and again.
    """
    at = 0
    while at < len(content):
        before = blanks.match(content, at)
        start = before.end() if before else at
        match = line.match(content, start)
        if match is not None:
            yield match
        at = content.find("\n", max(start, match.end() - 1 if match else start)) + 1
        if at == 0:
            return

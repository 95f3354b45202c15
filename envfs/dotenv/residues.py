"""Residues: a value when all references that texts can answer are answered, as text and open references.

A name that no text sets is for the environment of the command that gets the value. Its default
is worked out, and may be open itself.

Laws: text in a residue is never looked at for references again. `closed` is the value without any environment.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_DEEPEST = 40  # words inside words; what is deeper is closed


class Outside(NamedTuple):
    """A name that no text sets, with its operator (as in `Reference`) and the residue of its word."""

    name: str
    operator: str = ""
    word: "tuple[Open, ...]" = ()

    def __repr__(self) -> str:
        """Show the name, and not the word."""
        return f"Outside({self.name!r}, {self.operator!r})"


class Choice(NamedTuple):
    """`subject`, or `word`, as `operator` (`:-` or `:+`) says of a subject that is empty or is not."""

    subject: "tuple[Open, ...]"
    operator: str
    word: "tuple[Open, ...]" = ()

    def __repr__(self) -> str:
        """Show the operator alone."""
        return f"Choice({self.operator!r})"


Open = str | Outside | Choice
Residue = tuple[Open, ...]


def join_residue(pieces: Iterable[Open]) -> Residue:
    """Return pieces as a residue, text beside text put together."""
    parts: list[Open] = []
    texts: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        if texts:
            parts.append("".join(texts))
            texts = []
        parts.append(piece)
    if texts:
        parts.append("".join(texts))
    return tuple(piece for piece in parts if piece != "")


def outside_reference(name: str, operator: str, word: Residue) -> Residue:
    """Return what a reference to a name that no text sets is. Its word is closed if it is nested too deeply."""
    return (Outside(name, operator, _shallow(word)),)


def open_choice(subject: Residue, operator: str, word: Residue) -> Residue:
    """Return what a reference with an operator to something open is."""
    if any(isinstance(piece, str) for piece in subject):  # there is text in it, so it cannot be empty
        return word if operator == ":+" else subject
    match subject:
        case (Outside(name=name, operator=""),):
            return (Outside(name, operator, _shallow(word)),)
        case _ if operator == ":?":
            return subject
    return (Choice(_shallow(subject), operator, _shallow(word)),)


def is_open(residue: Residue) -> bool:
    """Tell whether something in it is for an environment to answer."""
    return any(not isinstance(piece, str) for piece in residue)


def close_residue(residue: Residue) -> str:
    """Return the value for who has no environment."""
    return "".join(map(_closed, residue))


def residue_size(residue: Residue) -> int:
    """Return how much room it takes, about."""
    return sum(len(piece) if isinstance(piece, str) else _size(piece) for piece in residue)


def residue_names(residue: Residue) -> Iterator[str]:
    """Yield the names that an environment is asked for."""
    for piece in residue:
        if isinstance(piece, Outside):
            yield piece.name
            yield from residue_names(piece.word)
        elif isinstance(piece, Choice):
            yield from residue_names(piece.subject)
            yield from residue_names(piece.word)


def residue_json(opened: Mapping[str, Residue]) -> dict[str, object]:
    """Return residues by name as JSON has them: a text, `{name, operator, word}` or `{subject, operator, word}`."""
    return {name: _plain(residue) for name, residue in opened.items()}


def _plain(residue: Residue) -> list[object]:
    return [piece if isinstance(piece, str) else _plain_fields(piece) for piece in residue]


def _plain_fields(piece: Outside | Choice) -> dict[str, object]:
    fields = piece._asdict().items()
    return {name: _plain(value) if isinstance(value, tuple) else value for name, value in fields}


def _closed(piece: Open) -> str:
    match piece:
        case str():
            return piece
        case Outside():
            return close_residue(piece.word) if piece.operator in ("-", ":-") else ""
        case Choice(operator=":+"):
            return close_residue(piece.word) if close_residue(piece.subject) else ""
        case Choice():
            return close_residue(piece.subject) or close_residue(piece.word)


def _size(piece: Outside | Choice) -> int:
    inner = residue_size(piece.word) + 8
    return inner + (len(piece.name) if isinstance(piece, Outside) else residue_size(piece.subject))


def _shallow(residue: Residue) -> Residue:
    return residue if _depth(residue) < _DEEPEST else (close_residue(residue),)


def _depth(residue: Residue) -> int:
    depth = 0
    for piece in residue:
        if isinstance(piece, Outside):
            depth = max(depth, 1 + _depth(piece.word))
        elif isinstance(piece, Choice):
            depth = max(depth, 1 + _depth(piece.word), 1 + _depth(piece.subject))
    return depth

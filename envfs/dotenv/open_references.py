"""Lines of `.env` text with references that only its reader can answer, for the dialects whose readers look for them.

Laws: no text becomes a reference by being put beside one; what a dialect's readers would take for something else is not
written: the line is then the value without what is open. The forms were tried on the readers (tests/dialects):

| dialect              | `${X}` | `:-` `-` | `:+` `+` | `:?` `?` |
|----------------------|--------|----------|----------|----------|
| shell                | yes    | yes      | yes      | yes      |
| compose              | yes    | yes      | yes      | yes      |
| expand               | yes    | `:-`     |          |          |
| python-interpolating | yes    | `:-`     |          |          |
"""

import re
from typing import Final, NamedTuple

from envfs.dotenv.residues import Choice, Outside, Residue

_EASY = re.compile(r"[^\\\"`$\r]*")  # text that stands in quotes of any reader as it is
_EASY_WORD = re.compile(r"[A-Za-z0-9_./:@%+,=^ -]*")


class _Form(NamedTuple):
    """How a dialect writes text with references, in double quotes: which operators its readers know, and what else.

    `escapes` are characters that a backslash makes text. `nested` tells that a word may have references. `itself` that
    a name may refer to itself.
    """

    operators: tuple[str, ...]
    escapes: str = ""
    nested: bool = False
    itself: bool = True


_ALL: Final = ("", "-", ":-", "+", ":+", "?", ":?")
_FORMS: Final = {
    "shell": _Form(_ALL, escapes='\\\\"$`', nested=True),
    "compose": _Form(_ALL, escapes='\\\\"$', nested=True),
    "expand": _Form(("", ":-"), itself=False),
    "python-interpolating": _Form(("", ":-")),
}


class _CannotBe(Exception):
    """The dialect has no form for it."""


def open_line(name: str, residue: Residue, dialect: str) -> str:
    """Return the line of a variable, or nothing if the dialect cannot carry what is open in it."""
    form = _FORMS.get(dialect)
    if form is None:
        return ""
    try:
        inner = "".join(_piece(name, piece, form) for piece in residue)
    except _CannotBe:
        return ""
    return f'{name}="{inner}"\n'


def _piece(name: str, piece: str | Outside | Choice, form: _Form) -> str:
    match piece:
        case str():
            return _text(piece, form)
        case Outside() if piece.operator in form.operators and (form.itself or piece.name != name):
            message = "is not set" if piece.operator.endswith("?") else ""
            word = "".join(_word(name, inner, form) for inner in piece.word)
            return f"${{{piece.name}{piece.operator}{word}{message}}}"
        case _:
            raise _CannotBe


def _word(name: str, piece: str | Outside | Choice, form: _Form) -> str:
    if isinstance(piece, str):
        if not _EASY_WORD.fullmatch(piece):
            raise _CannotBe
        return piece
    if not form.nested:
        raise _CannotBe
    return _piece(name, piece, form)


def _text(text: str, form: _Form) -> str:
    easy = "".join(sign for sign in text if sign not in form.escapes)
    if not _EASY.fullmatch(easy):
        raise _CannotBe
    return "".join(f"\\{sign}" if sign in form.escapes else sign for sign in text)

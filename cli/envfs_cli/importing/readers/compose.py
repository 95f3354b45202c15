r"""Docker Compose's reader of `.env` and `env_file` (compose-go).

A ` #` starts a comment, `#` alone does not. "…" has the escapes of Go. `$$` is a dollar, and references have all
operators of a shell. A name without a value is the host's. A template that it does not take costs the whole file.
"""

import re
from collections.abc import Iterator

from envfs.dotenv.references import Piece, Reference
from envfs_cli.importing.readers.readings import Reading, RefusedText, join_pieces, literal_text

_BLANK = "\t\v\f\r \x85\xa0"  # of a line
_SPACE = (
    _BLANK + "\n\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_FILLER = re.compile(rf"(?:[{_SPACE}]|#[^\n]*)*")
_EXPORT = re.compile(r"export[\t\n\f\r ]+[\t\v\f\r \x85\xa0]*")
_BLANKS = re.compile(rf"[{_BLANK}]*")
_NAME = re.compile(rf"[\w.\[\]{_BLANK}-]*")
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
}
_ESCAPE = re.compile(r"\\([abcfnrtv$\"\\]|0[0-9]{0,3})")
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "\\": "\\",
    "$": "$$",
}
_SIGN = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|(\{))")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:?[-+?])?")
_WORD = re.compile(r"[^{}$\n]*")


def read_compose(content: str) -> list[Reading]:
    """Read as docker compose does.

    Raises:
        Refused: it refuses the text
    """
    return list(_readings(content.removeprefix("\ufeff")))


def _readings(content: str) -> Iterator[Reading]:
    at = _end(_FILLER, content, 0)
    while at < len(content):
        at = _end(_EXPORT, content, at)
        end = _end(_NAME, content, at)
        name, sign = content[at:end].rstrip(_SPACE), content[end : end + 1]
        if sign not in ("=", ":", "\n", "") or " " in name:
            raise RefusedText
        if not sign:
            return  # the rest has no name
        at = _end(_BLANKS, content, end + 1)
        if sign != "\n":
            pieces, at = _value(content, at)
            if name:
                yield Reading(name, pieces)
        at = _end(_FILLER, content, at)


def _value(content: str, at: int) -> tuple[tuple[Piece, ...] | None, int]:
    quoted = _QUOTED.get(content[at : at + 1])
    if quoted is None:
        end = content.find("\n", at)
        end = len(content) if end < 0 else end
        return _expanded(content[at:end].partition(" #")[0].rstrip(_SPACE)), min(end + 1, len(content))
    value = quoted.match(content, at)
    if value is None:
        raise RefusedText
    quote, inner = content[at], value[1].replace("\\" + content[at], content[at])
    if "\\\\" in value[1] and "\\" + quote in value[1]:
        return None, value.end()  # which of the backslashes belongs to the quote
    if quote == "'":
        return literal_text(inner), value.end()
    if "\\0" in inner:
        return None, value.end()
    return _expanded(_ESCAPE.sub(lambda sign: _ESCAPES.get(sign[1], sign[0]), inner)), value.end()


def _expanded(value: str) -> tuple[Piece, ...] | None:
    parts: list[Piece] = []
    last = 0
    for sign in _SIGN.finditer(value):
        if sign.start() < last:
            continue
        parts.append(value[last : sign.start()])
        last = sign.end()
        if sign[1]:
            parts.append("$")
        elif sign[2]:
            parts.append(Reference(sign[2]))
        else:
            braced = _BRACED.match(value, last)
            if braced is None:
                raise RefusedText
            word = _WORD.match(value, braced.end()) if braced[2] else None
            last = word.end() if word else braced.end()
            if not value.startswith("}", last):
                return None  # references inside of words, and what it refuses
            parts.append(Reference(braced[1], braced[2] or "", literal_text(word[0] if word else "")))
            last += 1
    return join_pieces([*parts, value[last:]])


def _end(pattern: re.Pattern[str], content: str, at: int) -> int:
    match = pattern.match(content, at)
    return match.end() if match else at

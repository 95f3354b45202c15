"""Reads one value as it was written: unquoted, in single or in double quotes.

Laws: a value is read in one pass. A line break inside quotes, however it is written, is one LF.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final, NamedTuple

LINE_END: Final = re.compile(r"\r\n?|\n")
BLANKS: Final = (  # what both Python and JavaScript strip
    "\t\v\f \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

_REST = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(rf"[{BLANKS}]#")
_LITERAL_DOLLAR = re.compile(r"\\\$")
_DOUBLE = re.compile(r'\\[\\"$`nr]|\r\n?|"')
_DOUBLE_MEANING = {
    r"\\": "\\",
    r"\"": '"',
    r"\$": "$",
    r"\`": "`",
    r"\n": "\n",
    r"\r": "\r",
    "\r\n": "\n",
    "\r": "\n",
}


class QuotedValue(NamedTuple):
    r"""A value found in a text: where it starts and ends with its quotes, what it says, and which `$` were `\$`."""

    start: int
    end: int
    value: str
    literal: tuple[int, ...]

    def __repr__(self) -> str:
        """Show the place, and not the value."""
        return f"Written(start={self.start}, end={self.end})"


def read_single(text: str, pos: int) -> QuotedValue | None:
    """Read what follows an opening `'`: everything up to the next one, to the letter. None if there is no next one."""
    end = text.find("'", pos)
    if end < 0:
        return None
    return QuotedValue(pos - 1, end + 1, LINE_END.sub("\n", text[pos:end]), ())


def read_double(text: str, pos: int) -> QuotedValue | None:
    r"""Read what follows an opening `"`. A backslash means something before \ " $ ` n r and is itself elsewhere."""
    pieces: list[str] = []
    literal: list[int] = []
    size, last = 0, pos
    for match in _DOUBLE.finditer(text, pos):
        pieces.append(text[last : match.start()])
        size += match.start() - last
        sign, last = match[0], match.end()
        if sign == '"':
            return QuotedValue(pos - 1, last, "".join(pieces), tuple(literal))
        if sign == r"\$":
            literal.append(size)
        pieces.append(_DOUBLE_MEANING[sign])
        size += 1
    return None


QUOTED: Final[dict[str, Callable[[str, int], QuotedValue | None]]] = {"'": read_single, '"': read_double}


def read_unquoted(text: str, pos: int, blanks: int) -> QuotedValue:
    r"""Read up to the end of the line or a comment. Only `\$` is an escape. `blanks` stood between `=` and `pos`."""
    line = _REST.match(text, pos)
    line_text = line[0] if line else ""
    if line_text.startswith("#"):
        return QuotedValue(pos - blanks, pos - blanks, "", ())
    comment = _COMMENT.search(line_text)
    shown = (line_text[: comment.start()] if comment else line_text).rstrip(BLANKS)
    return QuotedValue(pos, pos + len(shown), *literal_dollars(shown))


def written_offsets(written: str, quote: str, offsets: Iterable[int]) -> Iterator[int]:
    """Yield where characters of a value, in their order, stand in it as it was written with its quotes and escapes."""
    escapes = (_DOUBLE if quote else _LITERAL_DOLLAR).finditer(written, len(quote))
    size, last, escape = 0, len(quote), next(escapes, None)
    for offset in offsets:
        while escape is not None and size + escape.start() - last < offset:
            size, last = size + escape.start() - last + 1, escape.end()
            escape = next(escapes, None)
        yield last + offset - size


def literal_dollars(text: str) -> tuple[str, tuple[int, ...]]:
    r"""Take each `\$` for a `$` that is never a reference. Return what is meant, and the offsets of these."""
    if r"\$" not in text:
        return text, ()
    pieces = text.split(r"\$")
    ends = accumulate(len(piece) + 1 for piece in pieces[:-1])
    return "$".join(pieces), tuple(end - 1 for end in ends)

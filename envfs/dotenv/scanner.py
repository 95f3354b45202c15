"""Cuts dotenv text into entries: one pass, each character looked at a bounded number of times.

Laws: the raw texts of the entries, put together, are the text. Each entry means the same whatever stands before or
after it. Nothing is repaired: what cannot be read is a fault with its place, or Malformed where a quote never ends.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from envfs.core import limits, names
from envfs.dotenv.values import BLANKS, LINE_END, QUOTED, QuotedValue, read_unquoted
from envfs.errors import Malformed, TooLarge

BOM: Final = "\ufeff"  # skipped at the start of any line, so that files put together read as they did apart

# most lines of most texts: read in one step, and as all others are. Anything else gives the empty text: it is not
# passed over on the way to the next plain line
_PLAIN = re.compile(r"""([A-Za-z_][A-Za-z0-9_]*)=(?:'([^'\r\n]*)'|"([^"\\\r\n]*)"|((?:[^\s'"\#\\][^\s\\]*)?))\r?\n|""")
_PLAIN_QUOTES = ("", "", "'", '"', "")  # by the number of the group that has the value
_FILLER = re.compile(rf"[{BLANKS}\r\n]*[\r\n]|[{BLANKS}]*#[^\r\n]*|[{BLANKS}]+\Z")
_HEAD = re.compile(rf"[{BLANKS}]*(export[{BLANKS}]+)?([A-Za-z0-9_.-]+)[{BLANKS}]*=([{BLANKS}]*)")
_LONE_NAME = re.compile(rf"(?:export[{BLANKS}]+)?[A-Za-z0-9_.-]+[{BLANKS}]*(?=[\r\n]|\Z)")
_LINE = re.compile(r"([^\r\n]*)(?:\r\n?|\n)?")
_AFTER_QUOTE = re.compile(rf"[{BLANKS}]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")

_NAME_HINT = "names use A-Z a-z 0-9 _ and do not start with a digit"
_BAD_NAME = ("not a variable name", _NAME_HINT)
_NO_NAME = ("no name before the =", "a line is NAME=value or starts with #")
_NO_VALUE = ("a name without a value", "write NAME= for an empty value")
_NO_ASSIGNMENT = (
    "neither a variable nor a comment",
    "a line is NAME=value or starts with #; quote a value of several lines",
)
_TEXT_AFTER = ("text after a closing quote", 'inside "…" a quote is written \\"')
_ESCAPE_HINT = "a value that starts with a quote ends with the same one; 'it\"s' and \"it's\" are both fine"


class Fault(NamedTuple):
    """A line that is kept to the letter and is no variable of ours. Line and column count from 1."""

    line: int
    column: int
    text: str
    hint: str


class Entry(NamedTuple):
    r"""One assignment, one line that is none, or a run of comments and empty lines.

    `raw` is the exact text with its line end. `raw[start:end]` is the value as written, with its quotes. `literal` are
    the offsets of each `$` in `value` that was written `\$` and so is never a reference. `problem` says in two texts
    what is wrong at `column`, if anything is.
    """

    raw: str
    line: int
    name: str | None = None
    value: str | None = None
    quote: str = ""
    exported: bool = False
    start: int = 0
    end: int = 0
    literal: tuple[int, ...] = ()
    problem: tuple[str, str] | None = None
    column: int = 0

    @property
    def fault(self) -> Fault | None:
        """Why the line is no variable of ours, if so."""
        return Fault(self.line, self.column, *self.problem) if self.problem else None

    def __repr__(self) -> str:
        """Show the place and the name, and nothing of the text."""
        return f"Entry(line={self.line}, name={self.name!r}, quote={self.quote!r}, fault={self.fault!r})"


def scan(text: str, line: int = 1) -> Iterator[Entry]:
    """Yield the entries of `text`, in order. `line` is the number of its first line.

    Raises:
        Malformed: a NUL or half a surrogate pair, or a quote that does not end
        TooLarge: the text, a name or a value is over its limit
    """
    check_text(text)
    pos = 0
    while pos < len(text):
        for plain in _PLAIN.finditer(text, pos):
            if plain.lastindex is None:
                break
            yield _plain_variable(plain, plain.lastindex, line)
            pos, line = plain.end(), line + 1
        if pos == len(text):
            return
        entry = _entry(text, pos, line)
        yield entry
        pos += len(entry.raw)
        one_line = not entry.quote and (entry.name or entry.problem)
        line += 1 if one_line else line_ends(entry.raw)


def line_ends(text: str) -> int:
    """Count the line ends: LF, CR or both."""
    return len(LINE_END.findall(text))


def check_text(text: str) -> None:
    """Refuse what cannot be a level's text.

    Raises:
        Malformed: a NUL or half a surrogate pair, with its place
        TooLarge: over limits.TEXT_BYTES
    """
    if match := _FORBIDDEN.search(text):
        line, column = _place(text, match.start())
        raise Malformed("a character that no text has", "a NUL or half a surrogate pair", line, column)
    if _over(text, limits.TEXT_BYTES):
        raise TooLarge("the text is too long", f"at most {limits.TEXT_BYTES} bytes are allowed")


def check_value(value: str) -> None:
    """Refuse what cannot be a variable's value.

    Raises:
        Malformed: a NUL or half a surrogate pair
        TooLarge: over limits.VALUE_BYTES
    """
    if _FORBIDDEN.search(value):
        raise Malformed("the value has a character that no environment can hold", "a NUL or half a surrogate pair")
    if _over(value, limits.VALUE_BYTES):
        raise TooLarge("the value is too long", f"at most {limits.VALUE_BYTES} bytes are allowed")


def _over(text: str, limit: int) -> bool:
    return len(text) > limit or (len(text) * 4 > limit and len(text.encode()) > limit)


def text_places(text: str, offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield line and column of offsets, in their order. A byte order mark at the start of a line takes no column."""
    line, start, at = 1, _past_marks(text, 0), 0
    for offset in offsets:
        for line_end in LINE_END.finditer(text, at, offset):
            line, start = line + 1, _past_marks(text, line_end.end())
        at = offset
        yield line, max(offset - start, 0) + 1


def _past_marks(text: str, at: int) -> int:
    while text.startswith(BOM, at):
        at += len(BOM)
    return at


def _place(text: str, pos: int) -> tuple[int, int]:
    return next(text_places(text, (pos,)))


def _entry(text: str, pos: int, line: int) -> Entry:
    if head := _HEAD.match(text, pos):
        return _assignment(text, head, line)
    if text.startswith(BOM, pos):
        return Entry(BOM, line)
    end = pos
    while filler := _FILLER.match(text, end):
        end = filler.end()
    return Entry(text[pos:end], line) if end > pos else _no_assignment(text, pos, line)


def _plain_variable(plain: re.Match[str], place: int, line: int) -> Entry:
    raw, name, value, quote = plain[0], plain[1], plain[place], _PLAIN_QUOTES[place]
    if len(raw) > limits.NAME_BYTES:
        _check_sizes(name, value, line)
    start = len(name) + 1
    return Entry(raw, line, name, value, quote, False, start, start + len(value) + 2 * len(quote), (), None, 1)


def _line_end(text: str, pos: int) -> int:
    match = _LINE.match(text, pos)
    return match.end() if match else pos


def _no_assignment(text: str, pos: int, line: int) -> Entry:
    raw = text[pos : _line_end(text, pos)]
    content = raw.lstrip(BLANKS)
    if "=" in content:
        kind = _NO_NAME if content[0] == "=" else _BAD_NAME
    else:
        kind = _NO_VALUE if _LONE_NAME.match(content) else _NO_ASSIGNMENT
    return Entry(raw, line, problem=kind, column=len(raw) - len(content) + 1)


def _assignment(text: str, head: re.Match[str], line: int) -> Entry:
    quote = text[head.end() : head.end() + 1]
    read = QUOTED.get(quote)
    if read is None:
        quote = ""
        written = read_unquoted(text, head.end(), len(head[3]))
    else:
        written = _closed(read(text, head.end() + 1), text, head.end())
        if not _AFTER_QUOTE.match(text, written.end):
            return _text_after(text, head, written, line)
    return _variable(text, head, quote, written, line)


def _closed(written: QuotedValue | None, text: str, opening: int) -> QuotedValue:
    """Insist that a quote has an end. One that seems to end inside a later line was never closed on its own."""
    if written is None:
        raise Malformed("a quote is opened here and not closed", _ESCAPE_HINT, *_place(text, opening))
    if not _AFTER_QUOTE.match(text, written.end) and LINE_END.search(text, opening, written.end):
        last = _place(text, written.end)[0]
        problem = f"the quote opened here ends on line {last} with text after it"
        raise Malformed(problem, _ESCAPE_HINT, *_place(text, opening))
    return written


def _text_after(text: str, head: re.Match[str], written: QuotedValue, line: int) -> Entry:
    raw = text[head.start() : _line_end(text, written.end)]
    return Entry(raw, line, problem=_TEXT_AFTER, column=written.end - head.start() + 1)


def _variable(text: str, head: re.Match[str], quote: str, written: QuotedValue, line: int) -> Entry:
    name = head[2]
    _check_sizes(name, written.value, line)
    return Entry(
        text[head.start() : _line_end(text, written.end)],
        line,
        name,
        written.value,
        quote,
        head[1] is not None,
        written.start - head.start(),
        written.end - head.start(),
        written.literal,
        None if names.is_variable(name) else _BAD_NAME,
        head.start(2) - head.start() + 1,
    )


def _check_sizes(name: str, value: str, line: int) -> None:
    if len(name) > limits.NAME_BYTES:
        raise TooLarge(f"line {line}: the variable name is too long", f"at most {limits.NAME_BYTES} characters")
    if _over(value, limits.VALUE_BYTES):
        raise TooLarge(f"line {line}: the value is too long", f"at most {limits.VALUE_BYTES} bytes are allowed")

"""Other readings of a text: without the escapes and the line breaks that can cut a word in two.

Laws: a reading has a place in the text for each of its characters, in the same order. A text without an escape or a
line break has no other reading. The time is that of the text's length.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_ESCAPE: Final = re.compile(
    r"(?P<style>(?:\x1b|\\{1,8}(?:x1b|u001b|033|e))\[[0-9;:]*[A-Za-z])"  # of a terminal
    r"|%(?:25){0,3}(?P<url>[0-9A-Fa-f]{2})"  # also of an address within an address
    r"|\\{1,8}(?:u00(?P<json>[0-9A-Fa-f]{2})|x(?P<python>[0-9A-Fa-f]{2})"  # also of JSON in JSON
    r"|(?P<sign>[nrtbfv0\"'/]))",
    re.ASCII,
)
_CONTROLS: Final = dict(zip("nrtbfv0", "\n\r\t\b\f\v\0", strict=True))
_BREAK: Final = re.compile(r"\r?\n[ \t]*")


class TextReading(NamedTuple):
    """A text as it is read. `places` has where each of its characters begins in the text, and where the text ends."""

    text: str
    places: list[int]


def read_unescaped(text: str) -> TextReading | None:
    """Return a text without escapes of addresses, of JSON, of program text and of terminals. None: it has none."""
    if "%" not in text and "\\" not in text and "\x1b" not in text:
        return None
    return _read_by(text, _ESCAPE, _meaning)


def read_joined(text: str) -> TextReading | None:
    """Return a text without its line breaks. None: it has none."""
    return _read_by(text, _BREAK, lambda _: "") if "\n" in text else None


def _meaning(escape: re.Match[str]) -> str:
    if escape["style"] is not None:
        return ""
    if escape["sign"] is not None:
        return _CONTROLS.get(escape["sign"], escape["sign"])
    return chr(int(escape["url"] or escape["json"] or escape["python"], 16))


def _read_by(text: str, expression: re.Pattern[str], meaning: Callable[[re.Match[str]], str]) -> TextReading | None:
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for match in expression.finditer(text):
        sign = meaning(match)
        pieces += (text[at : match.start()], sign)
        places += range(at, match.start())
        places += [match.start()] * len(sign)
        at = match.end()
    if not pieces:
        return None
    places += range(at, len(text) + 1)
    return TextReading("".join([*pieces, text[at:]]), places)

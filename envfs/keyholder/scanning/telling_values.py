"""Which values are looked for in text: those that do not stand there by chance.

Laws: a value of fewer than 8 bytes is never looked for. Words, numbers, addresses without a password, paths and dates
are not either, unless the variable's name says that it is a secret and the value is long. A multi-line value is looked
for line by line, as its line ends change on the way.
"""

import re
from collections.abc import Iterator
from typing import Final

SHORTEST: Final = 8  # bytes
_SHORTEST_LINE: Final = 16
_FEWEST_SIGNS: Final = 5  # different ones
_LONG_WORDS: Final = 12
_FEW_WORDS: Final = 2
_MOST_DIGITS: Final = 12
_WORD = r"(?:(?:[A-Z]?[a-z]{1,15}|[A-Z]{1,15}|(?:[A-Z][a-z]{2,14}){2,3})\d{0,4}|\d{1,5})"
_WORDS = re.compile(rf"[\W_]*{_WORD}(?:[\W_]+{_WORD})*[\W_]*", re.ASCII)
_NUMBER = re.compile(r"[\d\W_]*", re.ASCII)
_SECRET_NAME = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|CRED|AUTH|PRIVATE|SALT|SIGN", re.IGNORECASE)
_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://|\.{0,2}/|[^@\s]+@[^@\s]+\.[a-z]+$", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/?#@\s:]*:([^/?#\s]+)@")
_LINE_END = re.compile(r"\r\n|\n|\r")
_WRITTEN_LINE_END = re.compile(r"\\r\\n|\\n")  # a key in PEM on one line
_FRAME: Final = "-----"


def looked_for(name: str, value: str, *, everything: bool = False) -> list[str]:
    """Return the texts by which a variable's value is found: none if it is too short or too ordinary.

    With `everything`, each value that is long enough counts.
    """
    texts = list(_texts(value))
    return [text for text in dict.fromkeys(texts) if is_long(text) and (everything or is_telling(name, text))]


def is_long(value: str) -> bool:
    """Tell whether a value has the fewest bytes that are looked for."""
    return len(value) >= SHORTEST or len(value.encode()) >= SHORTEST


def is_telling(name: str, value: str) -> bool:
    """Tell whether a value of that name stands nowhere by chance."""
    if len(set(value)) < _FEWEST_SIGNS:
        return False
    if _NUMBER.fullmatch(value):
        return sum(map(str.isdigit, value)) > _MOST_DIGITS
    if not _WORDS.fullmatch(value):
        return True
    is_mixed = any(map(str.isdigit, value)) or len(re.split(r"[\W_]+", value)) > _FEW_WORDS
    return bool(_SECRET_NAME.search(name)) and len(value) >= _LONG_WORDS and is_mixed and not _PLACE.match(value)


def _texts(value: str) -> Iterator[str]:
    line_end = _WRITTEN_LINE_END if _FRAME in value and "\n" not in value else _LINE_END
    lines = [line.strip() for line in line_end.split(value)]
    if len(lines) > 1:
        secret_lines = [line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith(_FRAME)]
        yield from secret_lines or [value]
        return
    yield value
    yield from _PASSWORD.findall(value)

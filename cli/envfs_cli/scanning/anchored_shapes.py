"""Three shapes whose expressions take the square of a text's size: a part of each is looked for, and then its sides.

Law: how far a side is looked at is bounded, so that no text takes more time than its size times that.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Text = memoryview | bytes

_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_RUN = _WORD + b"-="
_HEADER_SIZE, _PAYLOAD_SIZE = 4096, 16384  # bytes, at the most
_LINE_SIZE, _KEY_SIZE = 512, 256  # bytes, at the most, before a mark
_STARTS = 3  # where a token may begin, of those in a run
_HEADER, _DOT = re.compile(rb"(?<![A-Za-z0-9_])eyJ"), re.compile(rb"\.(?=e[yw])")
_PAYLOAD = re.compile(rb"[A-Za-z0-9_=-]+")
_NPM, _NPM_LINE = re.compile(rb"/:_authToken="), re.compile(rb"(?<![A-Za-z0-9_])//")
_NPM_TOKEN = re.compile(rb"\s{0,32}(?:npm_[^\n]{1,256}|[A-Fa-f0-9-]{36})")
_OPENAI = re.compile(rb"T3BlbkFJ(?=[A-Za-z0-9]{20})")
_OPENAI_SIZE, _OPENAI_PART = 28, 20  # bytes from its mark on, and before it
_OPENAI_START = re.compile(rb"(?<![A-Za-z0-9_])sk-")


def web_tokens(text: "Text") -> "Iterator[tuple[int, bytes]]":
    """Yield what has the two first parts of a JSON Web Token: where it begins and what it is."""
    for dot in _DOT.finditer(text):
        before = _before(text, dot.start(), _HEADER_SIZE)
        header = before[len(before.rstrip(_RUN)) :]
        payload = _PAYLOAD.match(text, dot.end(), dot.end() + _PAYLOAD_SIZE) if header else None
        if payload is not None:
            for start in _last_starts(_HEADER, before, len(before) - len(header)):
                yield dot.start() - len(before) + start, before[start:] + b"." + payload[0]


def npm_tokens(text: "Text") -> "Iterator[tuple[int, bytes]]":
    """Yield the lines of an `.npmrc` that have a token."""
    for mark in _NPM.finditer(text):
        token = _NPM_TOKEN.match(text, mark.end())
        before = _before(text, mark.start(), _LINE_SIZE)
        host = _NPM_LINE.search(before, before.rfind(b"\n") + 1, len(before) - 1) if token is not None else None
        if host is not None and token is not None:
            yield mark.start() - len(before) + host.start(), before[host.start() :] + mark[0] + token[0]


def openai_keys(text: "Text") -> "Iterator[tuple[int, bytes]]":
    """Yield keys of OpenAI, which have a mark in their middle."""
    for mark in _OPENAI.finditer(text):
        before = _before(text, mark.start(), _KEY_SIZE)
        run = len(before.rstrip(_WORD + b"-"))
        is_key = before[-_OPENAI_PART:].isalnum() and len(before) >= _OPENAI_PART
        for start in _last_starts(_OPENAI_START, before, run, len(before) - _OPENAI_PART) if is_key else ():
            end = mark.start() + _OPENAI_SIZE
            yield mark.start() - len(before) + start, before[start:] + bytes(text[mark.start() : end])


def _before(text: "Text", at: int, size: int) -> bytes:
    return bytes(text[max(0, at - size) : at])


def _last_starts(start: "re.Pattern[bytes]", text: bytes, first: int, end: int | None = None) -> list[int]:
    starts = [match.start() for match in start.finditer(text, first, len(text) if end is None else end)]
    return starts[-_STARTS:]


ANCHORED: "dict[str, Callable[[Text], Iterator[tuple[int, bytes]]]]" = {
    "JSON Web Token": web_tokens,
    "NPM tokens": npm_tokens,
    "OpenAI Token": openai_keys,
}

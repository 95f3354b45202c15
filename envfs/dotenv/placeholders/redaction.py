"""Text of people and programs without credentials of known shapes, for logs and messages.

Laws: a credential's kind stands in its place, and nothing of it. A text without one stays as it is. The middle of a
longer word is no credential, and a public key is none. The time is that of the text's length, whatever stands in it.

It is a net and no promise: a password is a word like others.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from typing import Final, NamedTuple

from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.dotenv.placeholders.readings import TextReading, read_joined, read_unescaped
from envfs.errors import BadName

_PUBLIC: Final = ("ssh-public",)
_WORDY: Final = ("sk", "bearer")  # what follows the beginning can be words with dashes: a credential has a run of these
_RUN: Final = re.compile(r"(?=[A-Za-z]{0,9}\d)(?=\d{0,9}[A-Za-z])[A-Za-z0-9]{10}")
_TELLING: Final = re.compile(r"\d|[a-z][A-Z]|[A-Za-z0-9_-]{20}")  # no word of a language
_WHATEVER_FOLLOWS: Final = ("private-key", "password")  # they end with a sign of their own
_ROWS: Final = tuple(row for row in ROWS if row[0] not in _PUBLIC)
_STARTS: Final = tuple(sorted({start for _, starts, _, _ in _ROWS for start in starts if start}))
_BEFORE: Final = r"(?<![A-Za-z0-9])"
# Each beginning in a word would be followed to the word's end. Where the first one of these fails, all others of the
# same word fail too, so the word is passed over.
TO_WORD_END: Final = ("openai-project", "gitlab-routable")
_OR_WORD: Final = r"(?:(?P<credential>{})|[A-Za-z0-9_-]*)"
_OTHERS: Final = (  # the kind, a text that each has in it, and its expression
    ("envfs-join", "envfs-join-", r"envfs-join-\d-[A-Za-z0-9_-]{20,}"),
    ("envfs", "envfs_", r"envfs_[A-Za-z0-9_-]{43}"),
    ("jwt", "eyJ", "eyJ" + _OR_WORD.replace("{}", r"[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+")),
    (
        "private-key",
        "PRIVATE KEY-----",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)",
    ),
    (
        "private-key",
        "PRIVATE KEY BLOCK-----",
        r"-----BEGIN PGP PRIVATE KEY BLOCK-----.*?(?:-----END PGP PRIVATE KEY BLOCK-----|\Z)",
    ),
    (
        "slack-webhook",
        "hooks.slack.com/",
        r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
    ),
    ("password", "://", r"(?<=://)[^/?#\s:\"]*:[^/?#\s\"]+(?=@)"),  # a user can be an address of mail
)
_HINT: Final = "nothing was written. Other programs see what is typed as an argument: replace it"
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9_-]{15}")  # which every credential has, but for those below
_IN_BASE64: Final = ("ABSK", "AccountKey=", "whsec_")  # a slash or a plus may stand anywhere in these
_NAMELESS: Final = (("mailchimp", "-us"), ("telegram", ":AA"), ("discord", "."))
_IN_HEADERS: Final = (  # RFC 7617 §2, RFC 6750 §2.1
    ("http-basic", "basic ", r"(?<=\b(?i:basic) )[A-Za-z0-9+/_-]{6,}={0,2}"),
    ("bearer", "bearer ", r"(?<=\b(?i:bearer) )[A-Za-z0-9._~+/-]{16,}={0,2}"),
)


class _Span(NamedTuple):
    start: int
    end: int
    kind: str


def redact_credentials(text: str) -> str:
    """Return a text in which `[KIND]` stands in the place of each credential of a known shape."""
    spans = _spans(text)
    return _replaced(text, spans) if spans else text


def refuse_credential(text: str, what: str) -> None:
    """Refuse a text that has a credential in it, where it would be told to others.

    Raises:
        BadName: it has one. The message does not repeat it
    """
    spans = _spans(text)
    if spans:
        raise BadName(f"{what} has a credential in it, of the kind {min(spans).kind}", _HINT)


def _spans(text: str) -> list[_Span]:
    spans = _credentials(text)
    if (reading := read_unescaped(text)) is not None:
        places = reading.places
        spans += [_Span(places[start], places[end], kind) for start, end, kind in _credentials(reading.text)]
    if (reading := read_joined(text)) is not None:
        spans += list(_cut_credentials(text, reading, {start for start, _, _ in spans}))
    return spans


def _credentials(text: str) -> list[_Span]:
    spans: list[_Span] = []
    for kind, expression in _expressions_for(text):

        def blank(match: re.Match[str], kind: str = kind) -> str:
            if not _is_credential(match, kind):
                return match[0]
            spans.append(_Span(match.start(), match.end(), kind))
            return "\0" * len(match[0])  # what is found later stands where it stood

        text = _compiled(expression).sub(blank, text)
    return spans


def _cut_credentials(text: str, reading: TextReading, starts: set[int]) -> Iterator[_Span]:
    # those that a terminal cut into lines. Whether a further line goes on with one, its signs have to tell
    for start, end, kind in _credentials(reading.text):
        first, *lines = text[reading.places[start] : reading.places[end - 1] + 1].split("\n")
        if kind not in _WHATEVER_FOLLOWS:
            least = 0 if reading.places[start] in starts else 1  # its first line alone is none
            lines = lines[:least] + list(takewhile(_TELLING.search, lines[least:]))
            lines = lines if _RUN.search(reading.text, start, end) else []
        if lines:
            yield _Span(reading.places[start], reading.places[start] + len("\n".join([first, *lines])), kind)


def _replaced(text: str, spans: list[_Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, kind in sorted(spans, key=lambda span: (span.start, -span.end)):
        if start >= at:  # else it is a part of the one before, or goes on with it
            pieces += (text[at:start], f"[{kind}]")
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _expressions_for(text: str) -> Iterator[tuple[str, str]]:
    # those of which the sign stands in the text, with their kinds
    for kind, sign, expression in _OTHERS:
        if sign in text:
            yield kind, expression
    # most texts have neither, and a look for each beginning costs ten times as much
    if _LONG_RUN.search(text) is not None or any(sign in text for sign in _IN_BASE64):
        for start in _STARTS:
            if start in text:
                yield from _expressions(start)
        for kind, sign in _NAMELESS:
            if sign in text:
                yield kind, _nameless(kind)
    for kind, sign, expression in _IN_HEADERS:  # last: what has a shape of its own is of that kind
        if sign in text.lower():
            yield kind, expression


def _is_credential(match: re.Match[str], kind: str) -> bool:
    if kind in _WORDY:
        return _RUN.search(match[0]) is not None
    if kind == "http-basic":
        return _is_basic(match[0])
    return "credential" not in match.re.groupindex or match["credential"] is not None


def _is_basic(text: str) -> bool:
    # a user and a password, and no word that begins a sentence
    try:
        return ":" in b64decode(f"{text.rstrip('=')}==", b"-_" if "-" in text or "_" in text else None).decode()
    except ValueError:
        return False


@cache
def _expressions(start: str) -> tuple[tuple[str, str], ...]:
    rows = [(kind, body) for kind, starts, body, _ in _ROWS if start in starts]
    bodies = [(kind, _OR_WORD.replace("{}", body) if kind in TO_WORD_END else body) for kind, body in rows]
    return tuple((kind, f"{_BEFORE}{re.escape(start)}{body}") for kind, body in bodies)


@cache
def _nameless(kind: str) -> str:
    return next(f"{_BEFORE}{body}(?![A-Za-z0-9])" for name, _, body, _ in _ROWS if name == kind)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII | re.DOTALL)

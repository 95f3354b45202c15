"""Text of people and programs without credentials of known shapes, for logs and messages.

Laws: a credential's kind stands in its place, and nothing of it. A text without one stays as it is. The middle of a
longer word is no credential, and a public key is none.

It is a net and no promise: a password is a word like others.
"""

import re
from functools import cache
from typing import Final

from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.errors import BadName

_PUBLIC: Final = ("ssh-public",)
_WORDY: Final = ("sk",)  # what follows the beginning can be words with dashes: a credential has a run of these
_RUN: Final = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{10}")
_ROWS: Final = tuple(row for row in ROWS if row[0] not in _PUBLIC)
_STARTS: Final = tuple(sorted({start for _, starts, _, _ in _ROWS for start in starts if start}))
_BEFORE: Final = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))"  # a sign of an address, as in Bearer%20, ends a word too
_OTHERS: Final = (  # the kind, a text that each has in it, and its expression
    ("envfs-join", "envfs-join-", r"envfs-join-\d-[A-Za-z0-9_-]{20,}"),
    ("envfs", "envfs_", r"envfs_[A-Za-z0-9_-]{43}"),
    ("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
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


def redact_credentials(text: str) -> str:
    """Return a text in which `[KIND]` stands in the place of each credential of a known shape."""
    for kind, sign, expression in _OTHERS:
        if sign in text:
            text = _compiled(expression).sub(f"[{kind}]", text)
    if _LONG_RUN.search(text) is None and not any(sign in text for sign in _IN_BASE64):
        return text  # most texts: a look for each beginning costs ten times as much
    for start in _STARTS:
        if start in text:
            for kind, expression in _expressions(start):
                text = _compiled(expression).sub(_replacement(kind), text)
    for kind, sign in _NAMELESS:
        if sign in text:
            text = _compiled(_nameless(kind)).sub(f"[{kind}]", text)
    return text


def refuse_credential(text: str, what: str) -> None:
    """Refuse a text that has a credential in it, where it would be told to others.

    Raises:
        BadName: it has one. The message does not repeat it
    """
    redacted = redact_credentials(text)
    if redacted != text:
        kind = redacted.partition("[")[2].partition("]")[0]
        raise BadName(f"{what} has a credential in it, of the kind {kind}", _HINT)


def _replacement(kind: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    def replace(match: re.Match[str]) -> str:
        is_words = kind in _WORDY and _RUN.search(match[0]) is None
        return match[0] if is_words else f"[{kind}]"

    return replace


@cache
def _expressions(start: str) -> tuple[tuple[str, str], ...]:
    rows = [(kind, body) for kind, starts, body, _ in _ROWS if start in starts]
    return tuple((kind, f"{_BEFORE}{re.escape(start)}{body}") for kind, body in rows)


@cache
def _nameless(kind: str) -> str:
    return next(f"{_BEFORE}{body}(?![A-Za-z0-9])" for name, _, body, _ in _ROWS if name == kind)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII | re.DOTALL)

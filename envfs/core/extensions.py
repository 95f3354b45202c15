"""Extensions of a record's header beyond format 1: the object `ext`, with JOSE's rule of what is critical.

docs/format.md §4, "Extensions".

Laws: an extension has one encoding. A record whose extension is critical and not understood here is not read; what is
not critical is carried on unchanged, to the record that follows.
"""

import json
import re

from envfs.core import limits
from envfs.errors import AuthenticationFailed, UnsupportedFormat

_REMOVED = "removed"  # as long as this version is the newest, the level is listed nowhere
_PLACEHOLDERS = "placeholders"  # random text that goes into the placeholders of the level's values
UNDERSTOOD: frozenset[str] = frozenset({_REMOVED, _PLACEHOLDERS})  # names of extensions that this release acts upon
CRITICAL = "crit"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_TEXT = re.compile(r"[ -~]*", re.ASCII)
_LARGEST_NUMBER = 2**53 - 1  # what every reader of JSON has exactly (RFC 8259 §6)
_DEPTH = 4


def parse_extension(body: object) -> str:
    """Return an extension as its one text.

    Raises:
        AuthenticationFailed: it is none of format 1
    """
    if not isinstance(body, dict) or not body or not all(map(_NAME.fullmatch, body)) or not _is_plain(body, _DEPTH):
        raise _wrong()
    names = body.get(CRITICAL)
    if CRITICAL in body and (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) for name in names)
        or names != sorted({*names} & (body.keys() - {CRITICAL}))
    ):
        raise _wrong()
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    if len(text) > limits.EXTENSION_BYTES:
        raise _wrong()
    return text


def is_removed(text: str) -> bool:
    """Tell whether an extension says that its level was removed. `text` is as in `critical_names`."""
    return bool(text) and json.loads(text).get(_REMOVED) is True


def placeholder_text(text: str) -> str:
    """Return what an extension adds to the placeholders of the level's values. `text` is as in `critical_names`."""
    added = json.loads(text).get(_PLACEHOLDERS) if text else None
    return added if isinstance(added, str) else ""


def with_placeholder_text(text: str, added: str) -> str:
    """Return an extension that changes the placeholders of the level's values.

    Raises:
        AuthenticationFailed: there is no room left for it
    """
    return parse_extension((json.loads(text) if text else {}) | {_PLACEHOLDERS: added})


def with_removed(text: str, *, removed: bool) -> str:
    """Return an extension that says that its level was removed, or is there.

    Raises:
        AuthenticationFailed: there is no room left for it
    """
    body = json.loads(text) if text else {}
    body.pop(_REMOVED, None)
    critical = [name for name in body.pop(CRITICAL, ()) if name != _REMOVED]
    body |= {CRITICAL: critical} if critical else {}
    body |= {_REMOVED: True} if removed else {}
    return parse_extension(body) if body else ""


def critical_names(text: str) -> tuple[str, ...]:
    """List what is critical in an extension. `text` is what `parse_extension` returned, or empty."""
    return tuple(json.loads(text).get(CRITICAL, ())) if text else ()


def check_critical(text: str, what: str) -> None:
    """Refuse a record, which `what` names, whose extension is critical and not understood.

    Raises:
        UnsupportedFormat: there is such a one
    """
    names = [name for name in critical_names(text) if name not in UNDERSTOOD]
    if names:
        raise UnsupportedFormat(
            f"{what} needs an extension that this release does not know: {', '.join(names)}",
            "read it with the release that wrote it, or a newer one",
        )


def _is_plain(value: object, depth: int) -> bool:
    match value:
        case bool():
            return True
        case int():
            return abs(value) <= _LARGEST_NUMBER
        case str():
            return _TEXT.fullmatch(value) is not None
        case list():
            return depth > 0 and all(_is_plain(item, depth - 1) for item in value)
        case dict():
            return depth > 0 and all(_is_plain(item, depth - 1) for pair in value.items() for item in pair)
        case _:
            return False


def _wrong() -> AuthenticationFailed:
    return AuthenticationFailed("a record has an extension that is not of format 1", "`envfs verify` names each one")

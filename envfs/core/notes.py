"""The note of a record: which operation wrote it and the message that a person gave, sealed (docs/format.md §4).

Laws: a note is a compact JWE in the record's header, so the record's signature binds it to its place. Its length tells
steps of 128 bytes and no more. Nothing is encrypted here.
"""

import json
import re
from typing import NamedTuple

from envfs.core import limits, names
from envfs.errors import AuthenticationFailed, BadName, Malformed, TooLarge

PROTECTED = '{"alg":"dir","enc":"A256GCM","typ":"envfs-note"}'
_STEP = 128
_NEVER = 10**12  # nobody writes so many versions
_WORD = re.compile(r"[a-z][a-z-]{0,31}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_MEMBERS = {"op": str, "version": int, "level": str, "message": str}


class Note(NamedTuple):
    """The origin of a record: an operation, the version or level that it took the text from (0, empty), a message."""

    operation: str = ""
    version: int = 0
    level: str = ""
    message: str = ""

    def __repr__(self) -> str:
        """Show nothing of the message."""
        return f"Note({self.operation!r})"


def render_note(note: Note) -> bytes:
    """Return what is sealed: an object in a line, with blanks behind it up to the next step.

    Raises:
        TooLarge: the message is over its limit
    """
    members = dict(zip(_MEMBERS, note, strict=True))
    body = {name: value for name, value in members.items() if value}
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    padded = text.ljust(-(-len(text) // _STEP) * _STEP)
    if len(padded) > limits.NOTE_BYTES:
        raise _too_long()
    return padded


def parse_note(plain: bytes) -> Note:
    """Read a note. Members that a later release adds are passed over.

    Raises:
        AuthenticationFailed: it is none, or over a limit
    """
    if len(plain) > limits.NOTE_BYTES:
        raise _wrong()
    try:
        body = json.loads(plain.decode())
    except (ValueError, RecursionError):
        raise _wrong() from None
    if not isinstance(body, dict):
        raise _wrong()
    members = {name: body.get(name, kind()) for name, kind in _MEMBERS.items()}
    if any(type(members[name]) is not kind for name, kind in _MEMBERS.items()):
        raise _wrong()
    note = Note(*members.values())
    if (note.operation and not _WORD.fullmatch(note.operation)) or not 0 <= note.version < _NEVER:
        raise _wrong()
    try:
        check_message(note.message)
        is_level = not note.level or names.parse_level(note.level) == note.level
    except (Malformed, TooLarge, BadName):
        raise _wrong() from None
    if not is_level:
        raise _wrong()
    return note


def check_message(message: str) -> None:
    """Refuse a message that cannot be kept.

    Raises:
        TooLarge: it is over its limit
        Malformed: it holds a control character
    """
    if len(message.encode(errors="surrogatepass")) > limits.MESSAGE_BYTES:
        raise _too_long()
    try:
        message.encode()
    except UnicodeEncodeError:
        raise Malformed("the message is not UTF-8 text") from None
    if _CONTROL.search(message):
        raise Malformed("the message holds a control character", "line breaks and tabs may be in it, and no others")


def _too_long() -> TooLarge:
    return TooLarge("the message is too long", f"at most {limits.MESSAGE_BYTES} bytes")


def _wrong() -> AuthenticationFailed:
    return AuthenticationFailed("a record's note is not of format 1", "`envfs verify` names each one")

"""The entries of the stream `member`, as they are stored (docs/format.md §10).

Laws: each kind has its members, in one order, and anything else is refused: an unknown kind closes the list. Nothing
is signed here, and nothing is decided.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from envfs.core import limits, names, record, statements
from envfs.core.record import Point
from envfs.core.statements import Statement, StatementType
from envfs.errors import AuthenticationFailed, EnvFSError

NAME_LENGTH = 64
_MOST_TEXTS = 100  # levels, or recipients, of one entry


class EntryKind(StrEnum):
    """The acts on the members of a vault."""

    FOUND = "found"  # the first entry: the owner's own
    ALLOW = "allow"
    INVITE = "invite"
    JOIN = "join"
    APPROVE = "approve"
    ROLE = "role"
    REMOVE_DEVICE = "remove-device"
    ROTATE_DEVICE = "rotate-device"
    RENEW = "renew"
    REVOKE = "revoke"
    EPOCH = "epoch"


class Role(StrEnum):
    """The rights of a member, the greatest first."""

    OWNER = "owner"
    ADMIN = "admin"
    WRITER = "writer"
    READER = "reader"


class MemberEntry(NamedTuple):
    """One entry. Which fields count is said by its kind (`_FORMS`).

    `author` is an Ed25519 public key in base64url, `recipient` one of age, `login` an SSH key or the fingerprint of a
    certificate. `member` is the number of the entry that invited, 1 for the founder. `last` has the last record that
    counts, by stream: none of the other streams do. `until` is the end of an invitation, `end` that of a member.
    `lock` is the public key of an invitation, `proof` a signature. `invite` and `join` are numbers of entries. A
    machine may renew itself for `span` seconds each time, until `bound`.
    """

    kind: EntryKind
    author: str = ""
    last: tuple[tuple[str, Point], ...] = ()
    member: int = 0
    name: str = ""
    role: str = ""
    levels: tuple[str, ...] = ()
    machine: bool = False
    until: str = ""
    end: str = ""
    lock: str = ""
    invite: int = 0
    join: int = 0
    recipient: str = ""
    login: str = ""
    proof: str = ""
    device: str = ""
    rekey: bool = False
    recipients: tuple[str, ...] = ()
    span: int = 0
    bound: str = ""


_FORMS: dict[EntryKind, tuple[tuple[str, ...], ...]] = {
    EntryKind.FOUND: (("author",), ("author", "name", "recipient", "recipients")),
    EntryKind.ALLOW: (("author",),),
    EntryKind.INVITE: (
        ("name", "role", "levels", "machine", "until", "end", "lock"),
        ("member", "until", "lock"),
        ("name", "role", "levels", "machine", "until", "end", "lock", "span", "bound"),
    ),
    EntryKind.JOIN: (("invite", "author", "recipient", "login", "proof"),),
    EntryKind.APPROVE: (("join",),),
    EntryKind.ROLE: (("member", "role", "levels", "end", "last", "rekey"),),
    EntryKind.REMOVE_DEVICE: (("member", "device", "last", "rekey"),),
    EntryKind.ROTATE_DEVICE: (("member", "device", "author", "recipient", "proof", "last", "rekey"),),
    EntryKind.RENEW: (("member", "end"),),
    EntryKind.REVOKE: (("author", "last"), ("member", "last", "rekey")),
    EntryKind.EPOCH: (("recipients",),),
}


def entry_payload(entry: MemberEntry) -> str:
    """Return the encoded payload of an entry."""
    return statements.encode_object(_body(entry, form_of(entry)))


def form_of(entry: MemberEntry) -> tuple[str, ...]:
    """Return the fields that an entry has: of several forms, that whose first field is there."""
    forms = _FORMS[entry.kind]
    if entry.kind is EntryKind.FOUND:
        return forms[bool(entry.recipient)]
    if entry.kind is EntryKind.INVITE and entry.bound:
        return forms[-1]
    return next((form for form in forms if entry[_PLACES[form[0]]]), forms[0])


def parse_entry(data: bytes) -> tuple[Statement, MemberEntry]:
    """Read a stored entry.

    Raises:
        AuthenticationFailed: not the one encoding of an entry of format 1
    """
    statement = statements.parse_statement(data, StatementType.MEMBER)
    return statement, _entry(statement.body(), statement.payload)


def parse_payload(payload: str) -> MemberEntry:
    """Read the encoded payload of an entry.

    Raises:
        AuthenticationFailed: not the one encoding of an entry of format 1
    """
    return _entry(record.parse_json_object(record.from_base64(payload)), payload)


def _entry(body: dict[str, object], payload: str) -> MemberEntry:
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in tuple(EntryKind):
        raise _wrong()
    names_of = tuple(body)[1:]
    if names_of not in _FORMS[EntryKind(kind)]:
        raise _wrong()
    fields = {name: _READERS[name](body[name]) for name in names_of}
    entry = MemberEntry(EntryKind(kind), **fields)  # type: ignore[arg-type]  # each was read by its own reader
    if form_of(entry) != names_of or entry_payload(entry) != payload:
        raise _wrong()
    return entry


def _body(entry: MemberEntry, form: tuple[str, ...]) -> dict[str, object]:
    body: dict[str, object] = {"kind": entry.kind}
    for name in form:
        value = entry[_PLACES[name]]
        if name == "last":
            body[name] = {stream: list(point) for stream, point in entry.last}
        else:
            body[name] = list(value) if isinstance(value, tuple) else value
    return body


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > limits.RECIPIENT_BYTES:
        raise _wrong()
    return value


def _name(value: object) -> str:
    if not 0 < len(_text(value)) <= NAME_LENGTH or str(value) != str(value).strip():
        raise _wrong()
    return str(value)


def _number(value: object) -> int:
    if type(value) is not int or value < 1:
        raise _wrong()
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong()
    return value


def _role(value: object) -> str:
    if value not in tuple(Role):
        raise _wrong()
    return str(value)


def _moment(value: object) -> str:
    if not isinstance(value, str) or not record.is_time(value):
        raise _wrong()
    return value


def _end(value: object) -> str:
    return "" if value == "" else _moment(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_TEXTS:
        raise _wrong()
    return tuple(map(_text, value))


def _levels(value: object) -> tuple[str, ...]:
    levels = _texts(value)
    try:
        if not levels or [names.parse_level(level) for level in levels] != sorted({*levels}):
            raise _wrong()
    except EnvFSError:
        raise _wrong() from None
    return levels


def _points(value: object) -> tuple[tuple[str, Point], ...]:
    if not isinstance(value, dict):
        raise _wrong()
    return tuple((stream, _point(point)) for stream, point in sorted(value.items()))


def _point(body: object) -> Point:
    match body:
        case [int(seq), str(digest)] if type(seq) is int and seq > 0 and digest:
            return Point(seq, digest)
        case _:
            raise _wrong()


_PLACES = {name: place for place, name in enumerate(MemberEntry._fields)}
_READERS: dict[str, Callable[[object], object]] = {
    **dict.fromkeys(("author", "recipient", "login", "lock", "proof", "device"), _text),
    **dict.fromkeys(("member", "invite", "join", "span"), _number),
    **dict.fromkeys(("machine", "rekey"), _flag),
    "name": _name,
    "role": _role,
    "levels": _levels,
    **dict.fromkeys(("until", "bound"), _moment),
    "end": _end,
    "last": _points,
    "recipients": _texts,
}


def _wrong() -> AuthenticationFailed:
    return AuthenticationFailed("an entry of the members is not of format 1", "`envfs verify` names each one")

"""One record of a stream as it is stored: a flattened JSON JWE with a signature beside it (docs/format.md §4).

Laws: there is exactly one encoding of a record, and anything else is refused. The header binds a record to its vault,
its stream, its number and the record before it. Nothing is encrypted or signed here.
"""

import binascii
import hashlib
import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from envfs.core import extensions, limits
from envfs.core.names import ROOT, Project
from envfs.errors import AuthenticationFailed

TYPE = "envfs-record"
FORGOTTEN = "*"  # in the place of a digest: the record before was forgotten, and what it was is not known here
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"@(\d{8,18})\.", re.ASCII)
_MACHINE_DIGITS = 16
_TO_STANDARD, _FROM_STANDARD = bytes.maketrans(b"-_+/", b"+/=="), bytes.maketrans(b"+/", b"-_")
MEMBERS = "member"  # the stream of those who may write
_TOMBSTONES = "tombstone/"
_PARTS = ("protected", "iv", "ciphertext", "tag", "signature")
_NAMES, _MARKS = [name.encode() for name in _PARTS], [b"{", *(b":", b",") * (len(_PARTS) - 1), b":", b"}\n"]
_REQUIRED = ("kid", "vault", "stream", "seq", "prev", "author", "time")
_OPTIONAL = ("members", "note", "ext", extensions.CRITICAL)
_HEADERS, _SHORT = 128, 4096  # so many that are no longer are remembered: each view asks for those above its level
_HINT = "a record of this vault was damaged or is not from EnvFS; `envfs verify` names each one"


class Point(NamedTuple):
    """A record of a stream: its number (0: there is none) and its digest, SHA-256 over its bytes in base64url."""

    seq: int = 0
    digest: str = ""


class RecordHeader(NamedTuple):
    """The header of a record (docs/format.md §4).

    `kid` is the JWK thumbprint of the key (RFC 7638), `vault` a UUID, and `stream` a path such as `level/shop`. `seq`
    counts from 1, and `prev` is the digest of the record before it (SHA-256 in base64url without padding), empty for
    the first. `author` is an Ed25519 public key in base64url, `time` is UTC to the microsecond (RFC 3339).
    `members` is the newest record of the stream `member` that its author knew, `note` a compact JWE (core.notes),
    `ext` the one text of an extension (core.extensions). Each is empty if the header has none.
    """

    kid: str
    vault: str
    stream: str
    seq: int
    prev: str
    author: str
    time: str
    members: Point = Point()
    note: str = ""
    ext: str = ""


class Record(NamedTuple):
    """A stored record, its parts decoded (RFC 7516 §7.2). `protected` stays in base64url, as it is authenticated.

    `iv` has 12 bytes, `tag` 16 (AES-256-GCM), and `signature` 64 (Ed25519, RFC 8032).
    """

    header: RecordHeader
    protected: str
    iv: bytes
    ciphertext: bytes
    tag: bytes
    signature: bytes


def protect_header(header: RecordHeader) -> str:
    """Return the encoded protected header: the bytes that are authenticated and signed."""
    body: dict[str, object] = {"alg": "dir", "enc": "A256GCM", "typ": TYPE}
    body |= zip(_REQUIRED, header, strict=False)
    if header.members.seq:
        body["members"] = list(header.members)
    if header.note:
        body["note"] = header.note
    return to_base64(json.dumps(body | with_extension(header.ext), separators=(",", ":")).encode())


def with_extension(ext: str) -> dict[str, object]:
    """Return the last members of a header, those about its extension (RFC 7515 §4.1.11). None without one."""
    if not ext:
        return {}
    named = {extensions.CRITICAL: ["ext"]} if extensions.critical_names(ext) else {}
    return {"ext": json.loads(ext), **named}


def to_base64(data: bytes) -> str:
    """Encode in base64url without padding (RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).translate(_FROM_STANDARD).rstrip(b"=").decode()


def from_base64(text: object) -> bytes:
    """Decode base64url without padding, in its one encoding.

    Raises:
        AuthenticationFailed: not base64url, or with padding or stray bits
    """
    if not isinstance(text, str) or not text.isascii():
        raise AuthenticationFailed("a record has a field that is not base64url", _HINT)
    return _decoded(text.encode())


def _decoded(text: bytes) -> bytes:
    # a record's text may be long: it is never copied without need
    padding = b"=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(text.translate(_TO_STANDARD) + padding, strict_mode=True)
    except binascii.Error:
        raise AuthenticationFailed("a record has a field that is not base64url", _HINT) from None
    whole = len(data) // 3  # only behind the last whole group can bits be left over
    if b"=" in text or to_base64(data[3 * whole :]).encode() != text[4 * whole :]:
        raise AuthenticationFailed("a record has a field in a second encoding", _HINT)
    return data


def from_json(data: bytes) -> object:
    """Read JSON in UTF-8. `json` itself would guess at UTF-16 and UTF-32, whose codecs a confined process cannot load.

    Raises:
        ValueError: it is none
        RecursionError: it is too deep
    """
    return json.loads(str(data, "utf-8"))


def record_signed_text(protected: str, iv: bytes, ciphertext: bytes, tag: bytes) -> bytes:
    """Return the bytes that the author signs: `protected.iv.ciphertext.tag`."""
    return ".".join((protected, to_base64(iv), to_base64(ciphertext), to_base64(tag))).encode()


def render_record(record: Record) -> bytes:
    """Return the record's one encoding, a line of JSON."""
    return _line(record.protected, *map(to_base64, record[2:]))


def parse_record(data: bytes) -> Record:
    """Read a stored record. That it is authentic is for the keyholder to say.

    Raises:
        AuthenticationFailed: not the one encoding of a record
    """
    return parse_signed_record(data)[0]


def parse_signed_record(data: bytes) -> tuple[Record, bytes]:
    """As `parse_record`. Returns also the bytes that the author signed, as `record_signed_text` would.

    Raises:
        AuthenticationFailed: not the one encoding of a record
    """
    pieces = _pieces(data)
    if pieces[::2] != _MARKS:
        protected, *parts = _texts(data)
        raise _not_the_one(protected, parts)
    texts = pieces[3::4]
    protected = texts[0].decode()
    header, decoded = parse_protected(protected), [_decoded(text) for text in texts[1:]]
    return Record(header, protected, *decoded), b".".join(texts[:-1])


def _not_the_one(protected: str, parts: list[str]) -> AuthenticationFailed:
    # says what is wrong with it before that
    parse_protected(protected)
    for part in parts:
        from_base64(part)
    return AuthenticationFailed("a record is written in a second encoding", _HINT)


def _pieces(data: bytes) -> list[bytes]:
    # a record is large, and reading it as JSON would look at each letter twice. Empty, if it is not as it should be
    pieces = data.split(b'"', 4 * len(_PARTS)) if len(data) <= limits.RECORD_BYTES else []
    return pieces if pieces[1::4] == _NAMES and data.isascii() else []


def _texts(data: bytes) -> list[str]:
    pieces = _pieces(data)
    if pieces:
        return [piece.decode() for piece in pieces[3::4]]
    body = _object(data, _PARTS)
    return [body[name] if isinstance(body[name], str) else "" for name in _PARTS]  # type: ignore[misc]


def _line(*texts: str) -> bytes:
    # of texts that are base64url, in which JSON escapes nothing
    members = ",".join(f'"{name}":"{text}"' for name, text in zip(_PARTS, texts, strict=True))
    return f"{{{members}}}\n".encode()


def parse_header(data: bytes) -> RecordHeader:
    """Read the header of a stored record that somebody else checks as a whole. A twentieth of the time of `parse`.

    Raises:
        AuthenticationFailed: not a header of format 1
    """
    return parse_protected(_texts(data)[0])


def parse_protected(protected: str) -> RecordHeader:
    """Read a protected header.

    Raises:
        AuthenticationFailed: not the one encoding of a header of format 1
    """
    return _short_header(protected) if len(protected) <= _SHORT else _header(protected)


def _header(protected: str) -> RecordHeader:
    body = parse_json_object(from_base64(protected))
    names = tuple(body)[: len(_REQUIRED) + 3]
    if names != ("alg", "enc", "typ", *_REQUIRED) or not {*tuple(body)[len(names) :]} <= {*_OPTIONAL}:
        raise AuthenticationFailed("a record has other fields than it should", _HINT)
    text = {name: body[name] for name in _REQUIRED if name != "seq"}
    if not all(isinstance(value, str) for value in text.values()) or type(body["seq"]) is not int:
        raise AuthenticationFailed("a record's header has a field of another type", _HINT)
    required = RecordHeader(*map(body.__getitem__, _REQUIRED))  # type: ignore[arg-type]  # checked above
    header = required._replace(
        members=_point(body["members"]) if "members" in body else Point(),
        note=str(body.get("note", "")),
        ext=extensions.parse_extension(body["ext"]) if "ext" in body else "",
    )
    if header.seq < 1 or not is_time(header.time) or protect_header(header) != protected:
        raise AuthenticationFailed("a record's header is not of format 1", _HINT)
    return header


_short_header = lru_cache(_HEADERS)(_header)


def _point(body: object) -> Point:
    match body:
        case [int(seq), str(digest)] if type(seq) is int and seq > 0 and digest:
            return Point(seq, digest)
        case _:
            raise AuthenticationFailed("a record's header has a field of another type", _HINT)


def digest(data: bytes) -> str:
    """Return the name of a stored record: SHA-256 over its bytes, in base64url."""
    return to_base64(hashlib.sha256(data).digest())


def record_key(stream: str, seq: int) -> str:
    """Return the key under which a store holds a record."""
    return f"{stream}/@{seq:08d}.{'age' if is_key_stream(stream) else 'json'}"


def is_key(text: str) -> bool:
    """Tell whether a store's key is that of a record."""
    stream, _, name = text.rpartition("/")
    number = _NUMBER.match(name)
    return number is not None and record_key(stream, int(number[1])) == text


def is_key_stream(stream: str) -> bool:
    """Tell a stream of project keys from a stream of level texts."""
    return stream == "key" or stream.startswith("key/")


def is_level_stream(stream: str) -> bool:
    """Tell a stream of level texts from one of project keys, or of the access log's checkpoints."""
    return stream == "level" or stream.startswith("level/")


def is_log_stream(stream: str) -> bool:
    """Tell a stream of an access log's checkpoints from the others."""
    return stream.startswith("log/")


def tombstone_stream(stream: str) -> str:
    """Return the stream of the tombstones of a stream of levels or keys."""
    return _TOMBSTONES + stream


def forgotten_stream(stream: str) -> str:
    """Return the stream whose tombstones are in a stream. Empty if that is no stream of tombstones."""
    return stream.removeprefix(_TOMBSTONES) if stream.startswith(_TOMBSTONES) else ""


def key_number(text: str) -> int:
    """Return the number of the record that a store's key is of. 0 if it is none."""
    match = _NUMBER.match(text.rpartition("/")[2])
    return int(match[1]) if match and is_key(text) else 0


def log_stream(machine: str, log: str, vault: str) -> str:
    """Return the stream of one log's checkpoints, by the names of its machine and of its file, and the vault's id."""
    text = f"envfs/1/log-of {machine} {vault} {log}".encode(errors="surrogateescape")
    return f"log/{hashlib.sha256(text).hexdigest()[:_MACHINE_DIGITS]}"


def level_stream(level: str) -> str:
    """Return the stream of a level's texts."""
    return "level" if level == ROOT else f"level{level}"


def key_stream(project: Project) -> str:
    """Return the stream of a project's keys: `key/shop`, and `key` for the project `/`."""
    return "key" if project == ROOT else f"key{project}"


def project_of_stream(stream: str) -> Project:
    """Return the project whose keys a stream holds."""
    return Project(stream.removeprefix("key") or ROOT)


def is_time(text: str) -> bool:
    """Tell whether a text is a time as records have it."""
    try:
        return _TIME.fullmatch(text) is not None and datetime.fromisoformat(text) >= _FIRST_TIME
    except ValueError:
        return False


def parse_json_object(data: bytes) -> dict[str, object]:
    """Read a JSON object.

    Raises:
        AuthenticationFailed: it is none, or over the limit of a record
    """
    if len(data) > limits.RECORD_BYTES:
        raise AuthenticationFailed("a record is over its limit", _HINT)
    try:
        body = from_json(data)
    except (ValueError, RecursionError):
        raise AuthenticationFailed("a record is not JSON", _HINT) from None
    if not isinstance(body, dict):
        raise AuthenticationFailed("a record has other fields than it should", _HINT)
    return body


def _object(data: bytes, names: tuple[str, ...]) -> dict[str, object]:
    body = parse_json_object(data)
    if tuple(body) != names:
        raise AuthenticationFailed("a record has other fields than it should", _HINT)
    return body

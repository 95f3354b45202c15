"""A signed statement of the vault that holds nothing secret: a flattened JSON JWS (docs/format.md §8 to §10, §12).

Laws: there is exactly one encoding of a statement, and anything else is refused. Its header binds it to its vault, its
stream, its number and the statement before it. Nothing is signed here.
"""

import json
from enum import StrEnum
from typing import NamedTuple

from envfs.core import extensions, record
from envfs.errors import AuthenticationFailed

_REQUIRED = ("vault", "stream", "seq", "prev", "author", "time")
_OPTIONAL = ("ext", extensions.CRITICAL)


class StatementType(StrEnum):
    """The `typ` of a statement (RFC 7515 §4.1.9)."""

    CHECKPOINT = "envfs-checkpoint"
    LOG = "envfs-log"
    MEMBER = "envfs-member"
    TOMBSTONE = "envfs-tombstone"


class StatementHeader(NamedTuple):
    """The address of a statement and its author, encoded as in a record's header (core.record)."""

    vault: str
    stream: str
    seq: int
    prev: str
    author: str
    time: str
    ext: str = ""


class Statement(NamedTuple):
    """A stored statement (RFC 7515 §7.2). `protected` and `payload` stay in base64url: these bytes are signed.

    `signature` has 64 bytes (Ed25519, RFC 8032).
    """

    header: StatementHeader
    protected: str
    payload: str
    signature: bytes

    def body(self) -> dict[str, object]:
        """Return the object that the payload is. AuthenticationFailed if it is none, or in a second encoding."""
        body = record.parse_json_object(record.from_base64(self.payload))
        if encode_object(body) != self.payload:
            raise _wrong()
        return body

    def stored(self) -> bytes:
        """Return it as it is stored."""
        return render_statement(self.protected, self.payload, self.signature)


def protect_statement(header: StatementHeader, kind: StatementType) -> str:
    """Return the encoded protected header of a statement of a type (RFC 7515 §3)."""
    body = {"alg": "EdDSA", "typ": kind, **dict(zip(_REQUIRED, header, strict=False))}
    return encode_object(body | record.with_extension(header.ext))


def encode_object(body: dict[str, object]) -> str:
    """Return JSON without blanks in base64url."""
    return record.to_base64(json.dumps(body, separators=(",", ":")).encode())


def statement_signed_text(protected: str, payload: str) -> bytes:
    """Return the bytes that the author signs (RFC 7515 §5.1)."""
    return f"{protected}.{payload}".encode()


def render_statement(protected: str, payload: str, signature: bytes) -> bytes:
    """Return a statement's one encoding, a line of JSON."""
    body = {"payload": payload, "protected": protected, "signature": record.to_base64(signature)}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def parse_statement(data: bytes, kind: StatementType) -> Statement:
    """Read a stored statement of a type. The keyholder says whether it is authentic.

    Raises:
        AuthenticationFailed: not the one encoding of such a statement
    """
    outer = record.parse_json_object(data)
    if tuple(outer) != ("payload", "protected", "signature"):
        raise _wrong()
    protected, payload = str(outer["protected"]), str(outer["payload"])
    signature = record.from_base64(outer["signature"])
    if render_statement(protected, payload, signature) != data:
        raise _wrong()
    return Statement(_parse_header(protected, kind), protected, payload, signature)


def _parse_header(protected: str, kind: StatementType) -> StatementHeader:
    body = record.parse_json_object(record.from_base64(protected))
    texts = [body.get(name) for name in _REQUIRED if name != "seq"]
    if not all(isinstance(text, str) for text in texts) or type(body.get("seq")) is not int:
        raise _wrong()
    ext = extensions.parse_extension(body["ext"]) if "ext" in body else ""
    required = StatementHeader(*map(body.__getitem__, _REQUIRED))  # type: ignore[arg-type]  # checked above
    header = required._replace(ext=ext)
    if header.seq < 1 or not record.is_time(header.time) or protect_statement(header, kind) != protected:
        raise _wrong()
    return header


def _wrong() -> AuthenticationFailed:
    return AuthenticationFailed("a signed statement is not of format 1", "`envfs verify` names each one")

"""One checkpoint of the vault: the owner's signature over where the access log ended and how far each stream was.

Laws: there is exactly one encoding of a checkpoint, and anything else is refused (docs/format.md §8); a checkpoint
names its vault, its stream, its number and the checkpoint before it. Nothing is signed here.
"""

import json
from typing import NamedTuple

from envfs.core import limits, record
from envfs.errors import AuthenticationFailed

TYPE = "envfs-checkpoint"
_HEX_DIGITS = 64
_DIGITS = frozenset("0123456789abcdef")


class Header(NamedTuple):
    """Where a checkpoint stands. `prev` is the digest of the one before it, empty for the first."""

    vault: str
    stream: str
    seq: int
    prev: str
    author: str
    time: str


class Head(NamedTuple):
    """The newest record of a stream of the vault, as this machine knew it."""

    stream: str
    seq: int
    digest: str


class Claim(NamedTuple):
    """What a checkpoint says of the log, and of the vault's streams.

    `begin` is the hash of the log's first line, `tip` that of its entry number `entries`, which ends at byte `offset`
    of its file; both are hexadecimal. The heads are those of checkpoint `heads_in`, and stand there only.
    """

    begin: str
    entries: int
    tip: str
    offset: int
    heads_in: int
    heads: tuple[Head, ...] = ()


class Checkpoint(NamedTuple):
    """A stored checkpoint; `protected` and `payload` stay encoded, for they are what is signed."""

    header: Header
    claim: Claim
    protected: str
    payload: str
    signature: bytes


def protect(header: Header) -> str:
    """Return the encoded protected header (RFC 7515 §3)."""
    return _encode({"alg": "EdDSA", "typ": TYPE, **header._asdict()})


def render_claim(claim: Claim) -> str:
    """Return the encoded payload."""
    body = {**claim._asdict(), "heads": {head.stream: [head.seq, head.digest] for head in claim.heads}}
    if not claim.heads:
        del body["heads"]
    return _encode(body)


def signed_text(protected: str, payload: str) -> bytes:
    """Return the bytes that the owner signs (RFC 7515 §5.1)."""
    return f"{protected}.{payload}".encode()


def render(protected: str, payload: str, signature: bytes) -> bytes:
    """Return a checkpoint's one encoding: a flattened JWS (RFC 7515 §7.2.2) in a line."""
    body = {"payload": payload, "protected": protected, "signature": record.to_base64(signature)}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def parse(data: bytes) -> Checkpoint:
    """Read a stored checkpoint; the keyholder says whether it is authentic.

    Raises:
        AuthenticationFailed: not the one encoding of a checkpoint
    """
    body = _object(data, ("payload", "protected", "signature"))
    protected, payload = str(body["protected"]), str(body["payload"])
    signature = record.from_base64(body["signature"])
    if render(protected, payload, signature) != data:
        raise _wrong("is written in a second encoding")
    return Checkpoint(_parse_header(protected), parse_claim(payload), protected, payload, signature)


def parse_claim(payload: str) -> Claim:
    """Read an encoded payload.

    Raises:
        AuthenticationFailed: not the one encoding of a claim
    """
    data = record.from_base64(payload)
    with_heads = b'"heads":' in data
    body = _object(data, Claim._fields if with_heads else Claim._fields[:-1])
    heads = body.get("heads", {})
    if not isinstance(heads, dict):
        raise _wrong("has heads of another type")
    claim = Claim(**{**body, "heads": tuple(map(_head, heads.items()))})  # type: ignore[arg-type]  # checked below
    numbers = (claim.entries, claim.offset, claim.heads_in)
    if any(type(number) is not int or number < 0 for number in numbers) or not all(
        map(_is_hex, (claim.begin, claim.tip))
    ):
        raise _wrong("has a field of another type")
    if render_claim(claim) != payload:
        raise _wrong("is written in a second encoding")
    return claim


def _parse_header(protected: str) -> Header:
    body = _object(record.from_base64(protected), ("alg", "typ", *Header._fields))
    header = Header(**{name: body[name] for name in Header._fields})  # type: ignore[arg-type]  # checked below
    texts = header[:2] + header[3:]
    if not all(isinstance(text, str) for text in texts) or type(header.seq) is not int or header.seq < 1:
        raise _wrong("has a field of another type")
    if not record.is_time(header.time) or protect(header) != protected:
        raise _wrong("is not of format 1")
    return header


def _head(member: tuple[str, object]) -> Head:
    match member[1]:
        case [int(seq), str(digest)] if type(seq) is int:
            return Head(member[0], seq, digest)
        case _:
            raise _wrong("has a head that is none")


def _is_hex(text: object) -> bool:
    return isinstance(text, str) and len(text) == _HEX_DIGITS and _DIGITS.issuperset(text)


def _encode(body: dict[str, object]) -> str:
    return record.to_base64(json.dumps(body, separators=(",", ":")).encode())


def _object(data: bytes, names: tuple[str, ...]) -> dict[str, object]:
    if len(data) > limits.RECORD_BYTES:
        raise _wrong("is over its limit")
    try:
        body = record.from_json(data)
    except (ValueError, RecursionError):
        raise _wrong("is not JSON") from None
    if not isinstance(body, dict) or tuple(body) != names:
        raise _wrong("has other fields than it should")
    return body


def _wrong(what: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"a checkpoint {what}", "`envfs verify` names each one")

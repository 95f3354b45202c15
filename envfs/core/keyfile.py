"""A project's keys as they are sealed: a JWK of the newest, which carries the earlier ones (docs/format.md §3).

Laws: the newest file holds every key that a record of the project may need, so the ones before it can be forgotten.
There is one encoding of its content. Nothing is encrypted or signed here.
"""

import hashlib
import json
from enum import StrEnum
from typing import NamedTuple

from envfs.core import limits
from envfs.core.record import Point, from_base64, to_base64
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, BadRequest, TooLarge

KEY_BYTES = 32
NOT_FOR_US = "a project's key does not open with this identity"  # of a file that is damaged, or for others
_NOT_OURS = "a project's key is not a key of EnvFS"
_HEADER, _STANZA = b"age-encryption.org/v1\n", b"-> scrypt "


class Custody(StrEnum):
    """The ways to open a project's keys: by the identity and other recipients, or by a passphrase alone."""

    MANAGED = "managed"
    ZERO_KNOWLEDGE = "zero-knowledge"


class Keys(NamedTuple):
    """The keys of a project, the newest first, and the recipients of the file. None if it is under a passphrase.

    `ext` is the extension in the file's header (core.extensions), empty if there is none. `members` is the entry of the
    list of members whose recipients these are (core.membership), if there is a list.
    """

    keys: tuple[Secret[bytes], ...]
    recipients: tuple[str, ...]
    ext: str = ""
    members: Point = Point()


class Opened(NamedTuple):
    """A file's content, taken apart. Nothing of it is checked yet."""

    keys: Keys
    protected: str
    signature: bytes


def kid(key: Secret[bytes]) -> str:
    """Return the public name of a key: its JWK thumbprint (RFC 7638), which tells nothing of the key."""
    canonical = json.dumps({"k": to_base64(key.reveal()), "kty": "oct"}, separators=(",", ":"))
    return to_base64(hashlib.sha256(canonical.encode()).digest())


def custody_named(text: str) -> Custody:
    """Return the custody of that name.

    Raises:
        BadRequest: there is none
    """
    try:
        return Custody(text)
    except ValueError:
        raise BadRequest("there is no such custody", f"it is one of {', '.join(Custody)}") from None


def custody_of(data: bytes) -> Custody:
    """Tell from the open header of an age file whether a passphrase opens it or an identity: no key is needed."""
    return Custody.ZERO_KNOWLEDGE if data.removeprefix(_HEADER).startswith(_STANZA) else Custody.MANAGED


def key_signed_text(protected: str, keys: Keys) -> bytes:
    """Return the bytes that the owner signs: the header, and everything beside it."""
    return f"{protected}.{to_base64(_compact(_body(keys)))}".encode()


def render_keys(keys: Keys, protected: str, signature: bytes) -> bytes:
    """Return the content of a file, a line of JSON.

    Raises:
        TooLarge: it would be over its limit
    """
    plain = _content(keys, protected, signature)
    if len(plain) > limits.KEY_FILE_BYTES:
        raise TooLarge("the project's key file would be too large", "seal it to fewer recipients, or to shorter ones")
    return plain


def parse_keys(plain: bytes) -> Opened:
    """Take the content of a file apart.

    Raises:
        AuthenticationFailed: not the one encoding of it
    """
    if len(plain) > limits.KEY_FILE_BYTES:  # anybody can seal something longer to a public recipient
        raise AuthenticationFailed(_NOT_OURS)
    try:
        body = json.loads(str(plain, "utf-8"))  # no other encoding: see record.from_json
        encoded = [body["k"], *(item["k"] for item in body["earlier"])]
        recipients = tuple(str(item) for item in body["recipients"])
        protected, signature = str(body["protected"]), from_base64(body["signature"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise AuthenticationFailed(_NOT_OURS) from None
    keys = Keys(tuple(Secret(from_base64(key)) for key in encoded), recipients)
    if any(len(key.reveal()) != KEY_BYTES for key in keys.keys) or len(keys.keys) > limits.PROJECT_KEYS:
        raise AuthenticationFailed(_NOT_OURS)
    if _content(keys, protected, signature) != plain:
        raise AuthenticationFailed(_NOT_OURS)
    return Opened(keys, protected, signature)


def _content(keys: Keys, protected: str, signature: bytes) -> bytes:
    return _compact({**_body(keys), "protected": protected, "signature": to_base64(signature)}) + b"\n"


def _body(keys: Keys) -> dict[str, object]:
    newest, *earlier = map(_jwk, keys.keys)
    return {**newest, "earlier": earlier, "recipients": list(keys.recipients)}


def _jwk(key: Secret[bytes]) -> dict[str, object]:
    return {"kty": "oct", "k": to_base64(key.reveal()), "kid": kid(key), "alg": "A256GCM"}


def _compact(body: dict[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()

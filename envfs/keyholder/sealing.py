"""Sealing: project keys as age files with a signed JWK, level texts as JWE records (docs/format.md §3, §4).

Time, nonce and key are parameters of the inner functions, so that vectors can pin them.
"""

import hashlib
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envfs.core import record
from envfs.core.record import Header, Record, from_base64, to_base64
from envfs.errors import AuthenticationFailed
from envfs.keyholder.identity import Identity
from envfs.protocol.keyholding import Place

KEY_BYTES = 32
_NONCE_BYTES, _TAG_BYTES = 12, 16
_KEY_FILE_BYTES = 4096  # anybody can seal something longer to a public recipient


def kid(key: bytes) -> str:
    """Return the public name of a key: its JWK thumbprint (RFC 7638), which tells nothing of the key."""
    canonical = json.dumps({"k": to_base64(key), "kty": "oct"}, separators=(",", ":"))
    return to_base64(hashlib.sha256(canonical.encode()).digest())


# -- project keys ------------------------------------------------------------------------------------------------------


def seal_key(identity: Identity, place: Place, time: str, key: bytes) -> bytes:
    """Return a project key as an age file; the JWK inside carries its own place and a signature over it."""
    header = Header(kid(key), place.vault, place.stream, place.seq, place.prev, identity.author, time)
    protected, encoded = record.protect(header), to_base64(key)
    jwk = {"kty": "oct", "k": encoded, "kid": header.kid, "alg": "A256GCM", "protected": protected}
    jwk["signature"] = to_base64(identity.sign(f"{protected}.{encoded}".encode()))
    return identity.seal(json.dumps(jwk, separators=(",", ":")).encode() + b"\n")


def open_key(identity: Identity, place: Place, data: bytes) -> bytes:
    """Open a project key and check that it is where its owner put it.

    Raises:
        AuthenticationFailed: it does not open, is not signed by the owner, or belongs elsewhere
    """
    plain = identity.open(data)
    if len(plain) > _KEY_FILE_BYTES:
        raise AuthenticationFailed("a project's key is not a key of EnvFS")
    try:
        jwk = json.loads(plain)
        protected, encoded, signature = (str(jwk[name]) for name in ("protected", "k", "signature"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise AuthenticationFailed("a project's key is not a key of EnvFS") from None
    header, key = record.parse_protected(protected), from_base64(encoded)
    identity.verify(header.author, f"{protected}.{encoded}".encode(), from_base64(signature))
    _check_place(header, place)
    if len(key) != KEY_BYTES or kid(key) != header.kid:
        raise AuthenticationFailed("a project's key is not the one that it names")
    return key


# -- level texts -------------------------------------------------------------------------------------------------------


def seal_text(identity: Identity, place: Place, time: str, key: bytes, text: str, nonce: bytes = b"") -> bytes:
    """Return a level's text as a stored record."""
    iv = nonce or os.urandom(_NONCE_BYTES)
    header = Header(kid(key), place.vault, place.stream, place.seq, place.prev, identity.author, time)
    protected = record.protect(header)
    sealed = AESGCM(key).encrypt(iv, text.encode(), protected.encode())
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    signature = identity.sign(record.signed_text(protected, iv, ciphertext, tag))
    return record.render(Record(header, protected, iv, ciphertext, tag, signature))


def open_text(identity: Identity, place: Place, key: bytes, data: bytes) -> str:
    """Open a stored record and check signature, place and key.

    Raises:
        AuthenticationFailed: any of these is not as it was written
    """
    found = record.parse(data)
    text = record.signed_text(found.protected, found.iv, found.ciphertext, found.tag)
    identity.verify(found.header.author, text, found.signature)
    _check_place(found.header, place)
    if found.header.kid != kid(key):
        raise AuthenticationFailed(f"record {place.seq} of {place.stream} is sealed with another key")
    try:
        return AESGCM(key).decrypt(found.iv, found.ciphertext + found.tag, found.protected.encode()).decode()
    except (InvalidTag, ValueError):
        raise AuthenticationFailed(f"record {place.seq} of {place.stream} does not open") from None


def _check_place(header: Header, place: Place) -> None:
    if (header.vault, header.stream, header.seq, header.prev) != tuple(place):
        raise AuthenticationFailed(
            f"record {place.seq} of {place.stream} was written for another place",
            "a record was copied, moved or reordered in the vault; `envfs verify` names each one",
        )

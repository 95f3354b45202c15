"""Sealing: project keys as signed age files, level texts as JWE records (docs/format.md §3, §4).

Time, nonce and key are parameters of the inner functions, so that vectors can pin them.
"""

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envfs.core import keyfile, record
from envfs.core.addresses import Place
from envfs.core.keyfile import Keys
from envfs.core.record import Header, Record
from envfs.errors import AuthenticationFailed
from envfs.keyholder import age
from envfs.keyholder.identity import Identity

_NONCE_BYTES, _TAG_BYTES = 12, 16


# -- project keys ------------------------------------------------------------------------------------------------------


def sign_keys(identity: Identity, place: Place, time: str, keys: Keys) -> bytes:
    """Return what a project's key file holds, with its own place and the owner's signature over both."""
    newest = keyfile.kid(keys.keys[0])
    header = Header(newest, place.vault, place.stream, place.seq, place.prev, identity.author, time)
    protected = record.protect(header)
    return keyfile.render(keys, protected, identity.sign(keyfile.signed_text(protected, keys)))


def seal_keys(identity: Identity, place: Place, time: str, keys: Keys, passphrase: str | None = None) -> bytes:
    """Return a project's key file: to its recipients, or under a passphrase."""
    plain = sign_keys(identity, place, time, keys)
    return age.seal(plain, keys.recipients) if passphrase is None else age.seal_under(plain, passphrase)


def check_keys(identity: Identity, place: Place, plain: bytes) -> Keys:
    """Take the content of a project's key file, and check that it is where its owner put it.

    Raises:
        AuthenticationFailed: it is not signed by the owner, or belongs elsewhere
    """
    opened = keyfile.parse(plain)
    header = record.parse_protected(opened.protected)
    identity.verify(header.author, keyfile.signed_text(opened.protected, opened.keys), opened.signature)
    _check_place(header, place)
    if keyfile.kid(opened.keys.keys[0]) != header.kid:
        raise AuthenticationFailed("a project's key is not the one that it names")
    return opened.keys


# -- level texts -------------------------------------------------------------------------------------------------------


def seal_text(identity: Identity, place: Place, time: str, key: bytes, text: str, nonce: bytes = b"") -> bytes:
    """Return a level's text as a stored record."""
    iv = nonce or os.urandom(_NONCE_BYTES)
    name = keyfile.kid(key)
    header = Header(name, place.vault, place.stream, place.seq, place.prev, identity.author, time)
    protected = record.protect(header)
    sealed = AESGCM(key).encrypt(iv, text.encode(), protected.encode())
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    signature = identity.sign(record.signed_text(protected, iv, ciphertext, tag))
    return record.render(Record(header, protected, iv, ciphertext, tag, signature))


def open_text(identity: Identity, place: Place, keys: Mapping[str, bytes], data: bytes) -> str:
    """Open a stored record with the one of `keys` (by kid) that it names; check signature and place.

    Raises:
        AuthenticationFailed: any of these is not as it was written
    """
    found = record.parse(data)
    text = record.signed_text(found.protected, found.iv, found.ciphertext, found.tag)
    identity.verify(found.header.author, text, found.signature)
    _check_place(found.header, place)
    key = keys.get(found.header.kid)
    if key is None:
        raise AuthenticationFailed(f"record {place.seq} of {place.stream} is sealed with a key that its project lacks")
    try:
        return AESGCM(key).decrypt(found.iv, found.ciphertext + found.tag, found.protected.encode()).decode()
    except (InvalidTag, ValueError):
        raise AuthenticationFailed(f"record {place.seq} of {place.stream} does not open") from None


def _check_place(header: Header, place: Place) -> None:
    prev = header.prev if place.prev == record.FORGOTTEN else place.prev
    if (header.vault, header.stream, header.seq, header.prev) != (*place[:3], prev):
        raise AuthenticationFailed(
            f"record {place.seq} of {place.stream} was written for another place",
            "a record was copied, moved or reordered in the vault; `envfs verify` names each one",
        )

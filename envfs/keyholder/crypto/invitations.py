"""Invitations to a vault: a code that a person passes on, and the proof that it was had (docs/format.md §10).

Laws: the code is the seed of a key pair, together with the place of the invitation. The list has its public half, so
whoever reads the vault can neither use an invitation nor put another key into a join. A code fits one place in one
list: somebody who is shown another vault, or another list, notices it, since no invitation there has the code's lock.
"""

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envfs.core.addresses import RecordAddress
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.members import Members
from envfs.core.record import from_base64, to_base64
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, BadRequest
from envfs.keyholder.crypto import age

_SECRET_BYTES, _CHECK_BYTES = 13, 2  # 104 bits: nobody tries them, though the lock can be seen
_GROUP = 6
_X25519 = "age1"


def new_code() -> Secret[str]:
    """Make the code of a new invitation: 24 letters and digits in four groups, which notice a mistyped one."""
    data = os.urandom(_SECRET_BYTES)
    text = base64.b32encode(data + _check(data)).decode()
    return Secret("-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP)))


def invitation_key(code: Secret[str], place: RecordAddress) -> Ed25519PrivateKey:
    """Return the key pair that a code makes for an invitation at a place.

    Raises:
        BadRequest: it is no code
    """
    seed = _secret(code.reveal())
    info = f"envfs/1/invitation {place.vault} {place.seq} {place.prev}".encode()
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(seed)
    return Ed25519PrivateKey.from_private_bytes(derived)


def lock_of(key: Ed25519PrivateKey) -> str:
    """Return the public half of an invitation's key pair, in base64url."""
    return to_base64(key.public_key().public_bytes_raw())


def join_text(vault: str, members: Members, entry: MemberEntry) -> bytes:
    """Return what the key of an invitation signs: which invitation it is, and every key of who joins."""
    digest = members.digests[entry.invite - 1]
    parts = (vault, str(entry.invite), digest, entry.author, entry.recipient, entry.login)
    return "\n".join(("envfs/1/join", *parts)).encode()


def rotation_text(vault: str, members: Members, entry: MemberEntry) -> bytes:
    """Return what a device's new key signs: the list that it comes into, and the key that it takes the place of."""
    parts = (vault, members.newest.digest, str(entry.member), entry.device, entry.author, entry.recipient)
    return "\n".join(("envfs/1/rotate-device", *parts)).encode()


def check_proof(vault: str, members: Members, entry: MemberEntry) -> None:
    """Check the proof in an entry that brings a key into the list. Of other entries nothing is asked.

    Raises:
        AuthenticationFailed: it proves nothing, or the recipient is none
    """
    if entry.kind is EntryKind.JOIN:
        if entry.invite > len(members.entries) or not members.entries[entry.invite - 1].lock:
            raise AuthenticationFailed("a join of the members names no invitation")
        _verify(members.entries[entry.invite - 1].lock, entry.proof, join_text(vault, members, entry))
    elif entry.kind is EntryKind.ROTATE_DEVICE:
        _verify(entry.author, entry.proof, rotation_text(vault, members, entry))
    if entry.recipient:
        try:
            if not entry.recipient.startswith(_X25519):
                raise AuthenticationFailed("a recipient of the members is none of an identity")
            age.parse_recipient(entry.recipient)
        except BadRequest:
            raise AuthenticationFailed("a recipient of the members is none") from None


def _verify(key: str, proof: str, text: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(from_base64(key)).verify(from_base64(proof), text)
    except (InvalidSignature, ValueError):
        raise AuthenticationFailed("an entry of the members lacks the proof of its key or its invitation") from None


def _secret(text: str) -> bytes:
    # as it was typed: in small letters, with blanks or without dashes
    plain = "".join(text.split()).replace("-", "").upper()
    try:
        data = base64.b32decode(plain)
    except binascii.Error:
        data = b""
    seed, check = data[:_SECRET_BYTES], data[_SECRET_BYTES:]
    if len(data) != _SECRET_BYTES + _CHECK_BYTES or _check(seed) != check:
        raise BadRequest(
            "that is not the code of an invitation", "24 letters and digits, as `envfs member invite` says"
        )
    return seed


def _check(data: bytes) -> bytes:
    return hashlib.sha256(b"envfs/1/code" + data).digest()[:_CHECK_BYTES]

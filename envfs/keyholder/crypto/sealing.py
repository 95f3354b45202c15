"""Sealing: project keys as signed age files, level texts as JWE records (docs/format.md §3, §4).

Time, nonce and key are parameters of the inner functions, so that vectors can pin them.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envfs.core import extensions, keyfile, notes, record, statements
from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Keys
from envfs.core.membership.members import Claimed, Members
from envfs.core.notes import Note
from envfs.core.record import Point, Record, RecordHeader
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed
from envfs.keyholder.crypto import age
from envfs.keyholder.crypto.identity import Identity

_NONCE_BYTES, _TAG_BYTES = 12, 16
_NOTE = record.to_base64(notes.PROTECTED.encode())


class Content(NamedTuple):
    """The payload of a level's record: its text. A note, the members that its author knows, an extension, if any."""

    text: str
    note: Note = Note()
    members: Point = Point()
    ext: str = ""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Content(…)"


class OpenedRecord(NamedTuple):
    """A level's record, opened: its header, its text, and the key that opens its note."""

    header: RecordHeader
    text: str
    key: Secret[bytes]

    def __repr__(self) -> str:
        """Show where it stands, and nothing of what is in it."""
        return f"Opened({self.header.stream}, {self.header.seq})"


_FRESH = (b"", b"")


# -- project keys ------------------------------------------------------------------------------------------------------


def sign_keys(identity: Identity, place: RecordAddress, time: str, keys: Keys) -> bytes:
    """Return what a project's key file holds, with its own place and the owner's signature over both."""
    newest = keyfile.kid(keys.keys[0])
    header = RecordHeader(newest, *place, identity.author, time, keys.members, ext=keys.ext)
    protected = record.protect_header(header)
    return keyfile.render_keys(keys, protected, identity.sign(keyfile.key_signed_text(protected, keys)))


def seal_key_file(
    identity: Identity, place: RecordAddress, time: str, keys: Keys, passphrase: Secret[str] | None = None
) -> bytes:
    """Return a project's key file: to its recipients, or under a passphrase."""
    plain = sign_keys(identity, place, time, keys)
    return age.seal_to_recipients(plain, keys.recipients) if passphrase is None else age.seal_under(plain, passphrase)


def check_key_file(
    identity: Identity,
    place: RecordAddress,
    plain: bytes,
    members: Members | None = None,
    digest: str = "",
    *,
    audited: bool = True,
) -> Keys:
    """Take the content of a project's key file, and check that it is where its owner, or an administrator, put it.

    `members` is the vault's list, None if it has none, and `digest` that of the file's bytes.

    Raises:
        AuthenticationFailed: it is not signed by one of them, belongs elsewhere, or is for others than the members
        UnsupportedFormat: something critical in it is not known here
    """
    opened = keyfile.parse_keys(plain)
    header = record.parse_protected(opened.protected)
    claimed = claimed_by(header)
    (members or Members(identity.founder)).check_author(claimed, digest)
    text = keyfile.key_signed_text(opened.protected, opened.keys)
    identity.verify(header.author, text, opened.signature, {header.author})
    check_place(header, place)
    if keyfile.kid(opened.keys.keys[0]) != header.kid:
        raise AuthenticationFailed("a project's key is not the one that it names")
    extensions.check_critical(header.ext, f"key file {place.seq} of project {record.project_of_stream(place.stream)}")
    if audited and members and opened.keys.recipients:
        members.check_key_file(claimed, opened.keys.recipients)
    return opened.keys._replace(ext=header.ext, members=header.members)


def claimed_by(header: RecordHeader) -> Claimed:
    """Return what a record says of itself, for the list of members."""
    return Claimed(header.stream, header.seq, header.author, header.time, header.members)


# -- level texts -------------------------------------------------------------------------------------------------------


def seal_text(
    identity: Identity, place: RecordAddress, time: str, key: Secret[bytes], text: str, nonce: bytes = b""
) -> bytes:
    """As `seal_record`, for a record that has a text and nothing beside it."""
    return seal_record(identity, place, time, key, Content(text), (nonce, b""))


def seal_record(
    identity: Identity,
    place: RecordAddress,
    time: str,
    key: Secret[bytes],
    content: Content,
    nonces: tuple[bytes, bytes] = _FRESH,
) -> bytes:
    """Return a level's record as it is stored. `nonces` are those of the text and of the note, empty for fresh ones."""
    iv = nonces[0] or os.urandom(_NONCE_BYTES)
    note = seal_note(content.note, key, nonces[1]) if any(content.note) else ""
    header = RecordHeader(keyfile.kid(key), *place, identity.author, time, content.members, note, content.ext)
    protected = record.protect_header(header)
    sealed = AESGCM(key.reveal()).encrypt(iv, content.text.encode(), protected.encode())
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    signature = identity.sign(record.record_signed_text(protected, iv, ciphertext, tag))
    return record.render_record(Record(header, protected, iv, ciphertext, tag, signature))


def open_text(identity: Identity, place: RecordAddress, keys: Mapping[str, Secret[bytes]], data: bytes) -> str:
    """As `open_record`, for the text alone and a vault that has one author."""
    return open_record(identity, place, keys, data, Members(identity.founder)).text


def open_record(
    identity: Identity, place: RecordAddress, keys: Mapping[str, Secret[bytes]], data: bytes, members: Members
) -> OpenedRecord:
    """Open a stored record with the one of `keys` (by kid) that it names. Check signature, author and place.

    Raises:
        AuthenticationFailed: any of these is not as it was written
        UnsupportedFormat: something critical in it is not known here
    """
    stored, text = record.parse_signed_record(data)
    digest = record.digest(data) if members.entries else ""  # asked for by an entry alone that takes a right away
    identity.verify(stored.header.author, text, stored.signature, {stored.header.author})
    members.check_author(claimed_by(stored.header), digest)  # of what an author said, and nobody else in their name
    check_place(stored.header, place)
    extensions.check_critical(stored.header.ext, f"record {place.seq} of {place.stream}")
    where, signed = f"record {place.seq} of {place.stream}", f"as {stored.header.author[:8]} signed it"
    key = keys.get(stored.header.kid)
    if key is None:
        raise AuthenticationFailed(f"{where} is sealed with a key that its project lacks, {signed}")
    try:
        plain = (
            AESGCM(key.reveal()).decrypt(stored.iv, stored.ciphertext + stored.tag, stored.protected.encode()).decode()
        )
    except (InvalidTag, ValueError):
        raise AuthenticationFailed(f"{where} does not open, {signed}") from None
    return OpenedRecord(stored.header, plain, key)


# -- notes -------------------------------------------------------------------------------------------------------------


def seal_note(note: Note, key: Secret[bytes], nonce: bytes = b"") -> str:
    """Return a note as a compact JWE (RFC 7516 §7.1)."""
    iv = nonce or os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key.reveal()).encrypt(iv, notes.render_note(note), _NOTE.encode())
    parts = (iv, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:])
    return ".".join((_NOTE, "", *map(record.to_base64, parts)))


def open_note(opened: OpenedRecord) -> Note:
    """Return the note of an opened record. An empty one if it has none.

    Raises:
        AuthenticationFailed: it does not open
    """
    if not opened.header.note:
        return Note()
    try:
        protected, key, *parts = opened.header.note.split(".")
        iv, ciphertext, tag = map(record.from_base64, parts)
        if (protected, key, len(iv)) != (_NOTE, "", _NONCE_BYTES):
            raise ValueError("another kind of JWE")
        return notes.parse_note(AESGCM(opened.key.reveal()).decrypt(iv, ciphertext + tag, _NOTE.encode()))
    except (InvalidTag, ValueError):
        where = f"record {opened.header.seq} of {opened.header.stream}"
        raise AuthenticationFailed(f"the note of {where} does not open") from None


def check_place(header: RecordHeader | statements.StatementHeader, place: RecordAddress) -> None:
    """Raise AuthenticationFailed for a record that was written for another place than that where it was found."""
    prev = header.prev if place.prev == record.FORGOTTEN else place.prev
    if (header.vault, header.stream, header.seq, header.prev) != (*place[:3], prev):
        raise AuthenticationFailed(
            f"record {place.seq} of {place.stream} was written for another place",
            "a record was copied, moved or reordered in the vault; `envfs verify` names each one",
        )

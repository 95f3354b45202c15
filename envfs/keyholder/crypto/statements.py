"""Signed statements: tombstones, and the entries of a vault's list of members (docs/format.md §9, §10).

Law: a tombstone is signed over bytes that are here to be seen, and no digest is taken from the daemon.
"""

from collections.abc import Iterator

from envfs.core import extensions, record, statements, tombstones
from envfs.core.addresses import RecordAddress
from envfs.core.membership import entries
from envfs.core.membership.members import Claimed, Members
from envfs.core.membership.roster import Signer
from envfs.core.record import Point
from envfs.core.statements import Statement, StatementType
from envfs.errors import BadRequest
from envfs.keyholder.crypto import invitations
from envfs.keyholder.crypto.identity import Identity, Verifier
from envfs.keyholder.crypto.sealing import check_place


def sign_statement(
    identity: Identity, place: RecordAddress, time: str, kind: StatementType, payload: str, ext: str = ""
) -> bytes:
    """Return a statement of a type (core.statements) as a stored record."""
    protected = statements.protect_statement(statements.StatementHeader(*place, identity.author, time, ext), kind)
    return statements.render_statement(
        protected, payload, identity.sign(statements.statement_signed_text(protected, payload))
    )


def check_members(identity: Verifier, vault: str, records: tuple[bytes, ...]) -> Members:
    """Return the members of a vault. `records` are those of its stream `member`, the first one first.

    Raises:
        AuthenticationFailed: one is of somebody without the right to it, or does not follow from those before
        UnsupportedFormat: something critical in one is not known here
    """
    members = Members(identity.founder)
    for members in follow_members(identity, vault, records):  # noqa: B007 - the last one is returned
        pass
    return members


def follow_members(identity: Verifier, vault: str, records: tuple[bytes, ...]) -> Iterator[Members]:
    """Yield the members of a vault after each record. Raises as `check_members` does."""
    members = Members(identity.founder)
    for data in records:
        members = follow_entry(identity, vault, members, data)
        yield members


def follow_entry(identity: Verifier, vault: str, members: Members, data: bytes) -> Members:
    """Return the members after one entry more, as it is stored. Raises as `check_members` does."""
    statement, entry = entries.parse_entry(data)
    header = statement.header
    place = RecordAddress(vault, record.MEMBERS, members.newest.seq + 1, members.newest.digest)
    check_statement(identity, place, statement, header.author)
    invitations.check_proof(vault, members, entry)
    return members.follow(Signer(header.author, header.time), entry, record.digest(data))


def check_statement(identity: Verifier, place: RecordAddress, statement: Statement, author: str = "") -> None:
    """Check signature and place of a statement of an author's, or of this identity's own.

    Raises:
        AuthenticationFailed: either is not as it was written
        UnsupportedFormat: something critical in it is not known here
    """
    header = statement.header
    text = statements.statement_signed_text(statement.protected, statement.payload)
    identity.verify(header.author, text, statement.signature, {author or identity.author})
    check_place(header, place)
    extensions.check_critical(header.ext, f"record {place.seq} of {place.stream}")


def sign_tombstone(
    identity: Identity,
    place: RecordAddress,
    time: str,
    named: tuple[Point, ...],
    members: Point = Point(),  # noqa: B008 - of no entry
) -> bytes:
    """Return a tombstone as a stored record. `members` is the newest entry of the list of members, if there is one.

    Raises:
        BadRequest: there is no such tombstone: of another kind of stream, or of a text without its digest
    """
    mourned = record.forgotten_stream(place.stream)
    is_of_text = record.is_level_stream(mourned)
    if not named or not (is_of_text or record.is_key_stream(mourned)) or (is_of_text and not all(map(all, named))):
        raise BadRequest("there can be no such tombstone")
    return sign_statement(identity, place, time, StatementType.TOMBSTONE, tombstones.tombstone_payload(named, members))


def check_tombstone(identity: Verifier, place: RecordAddress, data: bytes, members: Members) -> None:
    """Check a stored tombstone.

    Raises:
        AuthenticationFailed: it is not the owner's nor an administrator's, or not of this place
        UnsupportedFormat: something critical in it is not known here
    """
    statement = tombstones.parse_tombstone(data)[0]
    header, point = statement.header, tombstones.members_of(statement)
    claimed = Claimed(header.stream, header.seq, header.author, header.time, point)
    members.check_author(claimed, record.digest(data))
    check_statement(identity, place, statement, header.author)

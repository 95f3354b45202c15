"""Requests that sign and check the checkpoints of the access log.

Law: a checkpoint is signed only if it follows from the one before it, and from the last one that this keyholder signed.
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from envfs.core import audit, checkpoint, record
from envfs.core.addresses import RecordAddress
from envfs.core.checkpoint import Claim, StoredCheckpoint
from envfs.core.membership.members import Members
from envfs.core.statements import StatementType
from envfs.errors import AuthenticationFailed, LogBroken
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.crypto.statements import check_statement, sign_statement
from envfs.keyholder.requests.checks import fault
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import CheckCheckpoints, Faults, SignCheckpoint, Signed, VerifyCheckpoint


class LastSigned(NamedTuple):
    """The last checkpoint that this keyholder signed: its stream, number and digest, and the log that it names."""

    stream: str
    seq: int
    digest: str
    begin: str
    entries: int


def sign_checkpoint(request: SignCheckpoint, work: Work) -> WorkResult:
    """Make the next checkpoint, and remember it.

    Raises:
        LogBroken: it does not follow from what was signed before
        AuthenticationFailed: the checkpoint before is not the owner's
    """
    identity, place = work.identity, request.place
    payload = work.blobs[0].decode("ascii", errors="replace")
    claim = checkpoint.parse_claim(payload)
    if not request.accepted:
        previous = _open(identity, place.vault, place.stream, work.blobs[1:])
        _check_follows(place, claim, previous)
        _check_grows(place, claim, work.keyring.signed())
    data = sign_statement(identity, place, request.time, StatementType.CHECKPOINT, payload)
    work.keyring.hold_signed((place.stream, str(place.seq), record.digest(data), claim.begin, str(claim.entries)))
    signature = identity.sign(audit.checkpoint_text(claim.entries, claim.tip))
    return WorkResult(Signed(record.to_base64(signature)), (data,))


def check_checkpoints(request: CheckCheckpoints, work: Work) -> WorkResult:
    """Check signature and place of each checkpoint. Say what is wrong with each."""
    identity, pairs = work.identity, zip(request.places, work.blobs[: len(request.places)], strict=True)
    members = work.members(request.places[0].vault, request.members) if request.members else Members(identity.author)
    authors = {*identity.authors, *members.now.keys}
    return WorkResult(Faults(tuple(fault(_check, identity, place, data, authors) for place, data in pairs)))


def verify_checkpoint(request: VerifyCheckpoint, work: Work) -> WorkResult:
    """Check the signatures of the log's own lines. Say what is wrong with each."""
    identity = work.identity

    def check(point: tuple[str, ...]) -> None:
        text, signature = audit.checkpoint_text(int(point[0]), point[1]), record.from_base64(point[2])
        formers = identity.authors - {identity.author}  # a line does not say by which key
        if not any(_is_by(identity, former, text, signature) for former in formers):
            identity.verify(identity.author, text, signature)

    return WorkResult(Faults(tuple(fault(check, point) for point in request.checkpoints)))


def _is_by(identity: Identity, author: str, text: bytes, signature: bytes) -> bool:
    try:
        identity.verify(author, text, signature, {author})
    except AuthenticationFailed:
        return False
    return True


def _check(
    identity: Identity,
    place: RecordAddress,
    data: bytes,
    authors: AbstractSet[str] = frozenset(),
) -> StoredCheckpoint:
    # by this identity, or by a device of the vault whose machine keeps its own log
    point = checkpoint.parse_checkpoint(data)
    author = point.header.author
    check_statement(identity, place, point.statement, author if author in authors else "")
    return point


def _open(identity: Identity, vault: str, stream: str, blobs: tuple[bytes, ...]) -> StoredCheckpoint | None:
    if not blobs:
        return None
    number = checkpoint.parse_checkpoint(blobs[0]).header.seq
    return _check(identity, RecordAddress(vault, stream, number, record.FORGOTTEN), blobs[0], identity.authors)


def _check_follows(place: RecordAddress, claim: Claim, before: StoredCheckpoint | None) -> None:
    if (before.header.seq + 1 if before else 1) != place.seq:
        raise LogBroken(f"checkpoint {place.seq} of the access log does not follow from the one before")
    if before and claim.begin != before.claim.begin:
        raise LogBroken("the access log is another one than the one that was signed")
    if before and claim.entries <= before.claim.entries:
        raise LogBroken(f"the access log ends at entry {claim.entries}, but entry {before.claim.entries} was signed")


def _check_grows(place: RecordAddress, claim: Claim, signed: tuple[str, ...]) -> None:
    # what was signed and could not be stored may be signed again under its number
    last = LastSigned(signed[0], int(signed[1]), signed[2], signed[3], int(signed[4])) if signed else None
    if last is None or last.stream != place.stream:
        return
    if place.seq not in (last.seq, last.seq + 1) or (place.seq == last.seq + 1 and place.prev != last.digest):
        raise LogBroken(f"checkpoint {place.seq} of the access log does not follow from checkpoint {last.seq}")
    if claim.begin == last.begin and claim.entries < last.entries:
        raise LogBroken(f"the access log ends at entry {claim.entries}, but entry {last.entries} was signed")

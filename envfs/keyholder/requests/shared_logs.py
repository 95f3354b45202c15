"""Requests about shared access logs: a batch sealed to the auditors of a vault and signed, batches checked and opened.

Laws: the auditors are taken from the list of members, as it was checked here, and never from the daemon. A batch is of
the device that signed it: its stream is named after that key, so nobody can write into the log of another one.
"""

from envfs.core import log_batches
from envfs.core.addresses import RecordAddress
from envfs.core.log_batches import BatchClaim, LogBatch
from envfs.core.membership.members import NO_RIGHT, Members
from envfs.core.shared_logs import audit_stream
from envfs.core.statements import StatementType
from envfs.errors import AuthenticationFailed, BadRequest, NotApproved
from envfs.keyholder.crypto import age
from envfs.keyholder.crypto.statements import check_statement, sign_statement
from envfs.keyholder.requests.checks import fault
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import (
    BatchesOpened,
    CheckLogBatches,
    Faults,
    OpenLogBatches,
    SealLogBatch,
    Stated,
)


def seal_batch(request: SealLogBatch, work: Work) -> WorkResult:
    """Seal a batch and sign it.

    Raises:
        NotApproved: this identity is no device of a member
        BadRequest: it would be in the log of another device
    """
    identity, place = work.identity, request.place
    members = work.members(place.vault, request.members)
    if members.now.by_author(identity.author) is None:
        raise NotApproved("this device is in no member's name any more")
    if place.stream != audit_stream(place.vault, identity.author):
        raise BadRequest("a device shares its own log alone")
    sealed = age.seal_to_recipients(work.blobs[0], members.now.auditors(request.time))
    claim = BatchClaim(members.newest, request.begin, request.first, request.last, request.tip, request.offset)
    payload = log_batches.batch_payload(claim, sealed)
    data = sign_statement(identity, place, request.time, StatementType.LOG, payload)
    log_batches.parse_batch(data)  # nothing is signed that nobody could read
    return WorkResult(Stated(), (data,))


def check_batches(request: CheckLogBatches, work: Work) -> WorkResult:
    """Check each batch. Say what is wrong with each."""
    members = _members(request, work)
    pairs = zip(request.places, work.blobs[: len(request.places)], strict=True)
    return WorkResult(Faults(tuple(fault(_checked, work, members, place, data) for place, data in pairs)))


def open_batches(request: OpenLogBatches, work: Work) -> WorkResult:
    """Check and open each batch. Say what is wrong with each."""
    members, opened = _members(request, work), list[bytes]()

    def open_one(place: RecordAddress, data: bytes) -> None:
        opened.append(work.identity.open(_checked(work, members, place, data).sealed))

    faults = []
    for number, (place, data) in enumerate(zip(request.places, work.blobs[: len(request.places)], strict=True), 1):
        faults.append(fault(open_one, place, data))
        opened.extend(b"" for _ in range(number - len(opened)))
    return WorkResult(BatchesOpened(tuple(faults)), tuple(opened))


def _members(request: CheckLogBatches | OpenLogBatches, work: Work) -> Members:
    vault = request.places[0].vault if request.places else ""
    return work.members(vault, request.members) if request.members else Members(work.identity.founder)


def _checked(work: Work, members: Members, place: RecordAddress, data: bytes) -> LogBatch:
    batch = log_batches.parse_batch(data)
    author = batch.statement.header.author
    check_statement(work.identity, place, batch.statement, author)
    roster = members.at(batch.claim.members, f"batch {place.seq} of {place.stream}")
    if roster is None or roster.by_author(author) is None or place.stream != audit_stream(place.vault, author):
        raise AuthenticationFailed(f"{NO_RIGHT} the device whose log that is")
    return batch

"""The requests to the keyholder about shared access logs (docs/protocol.md §3)."""

from envfs.core.addresses import MemberRecords, RecordAddress
from envfs.protocol import answers
from envfs.tuples import NamedTuple


class SealLogBatch(NamedTuple):
    """Seal a batch of this device's log to the auditors of the vault, and sign it. Reply: Stated and one blob.

    Blobs: the packed entries (core.log_batches), and the records of the stream `member` behind them. The other fields
    are those of the batch's claim.
    """

    place: RecordAddress
    time: str
    begin: str
    first: int
    last: int
    tip: str
    offset: int
    members: MemberRecords


class CheckLogBatches(NamedTuple):
    """Check signature, place and author of each batch. Each is a blob, with the members behind them. Reply: Faults."""

    places: tuple[RecordAddress, ...]
    members: MemberRecords | None = None


class OpenLogBatches(NamedTuple):
    """As CheckLogBatches, and open each. Reply: BatchesOpened, and a blob for each: empty where there is a fault."""

    places: tuple[RecordAddress, ...]
    members: MemberRecords | None = None


SHARED_LOG_ANSWERS: dict[type, tuple[type, ...]] = {
    SealLogBatch: (answers.Stated,),
    CheckLogBatches: (answers.Faults,),
    OpenLogBatches: (answers.BatchesOpened,),
}

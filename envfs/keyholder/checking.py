"""Requests that check or sign: records, keys, and the checkpoints of the access log."""

from collections.abc import Callable

from envfs.core import audit, record
from envfs.errors import EnvFSError
from envfs.keyholder import sealing
from envfs.keyholder.work import Answer, Work
from envfs.protocol.keyholding import CheckKeys, CheckRecords, Faults, SignCheckpoint, Signed, VerifyCheckpoint


def check_records(request: CheckRecords, work: Work) -> Answer:
    """Open each record; say what is wrong with each."""
    _ = work.identity  # without one nothing can be said of any record
    return Answer(Faults(tuple(_fault(work.open, layer) for layer in request.layers)))


def check_keys(request: CheckKeys, work: Work) -> Answer:
    """Open each key; say what is wrong with each."""
    identity = work.identity
    pairs = zip(request.keys, work.blobs, strict=True)
    return Answer(Faults(tuple(_fault(sealing.open_key, identity, key.place, data) for key, data in pairs)))


def sign_checkpoint(request: SignCheckpoint, work: Work) -> Answer:
    """Sign where the access log ends."""
    signature = work.identity.sign(audit.checkpoint_text(request.seq, request.digest))
    return Answer(Signed(record.to_base64(signature)))


def verify_checkpoint(request: VerifyCheckpoint, work: Work) -> Answer:
    """Check signatures of checkpoints; say what is wrong with each."""
    identity = work.identity

    def check(point: tuple[str, ...]) -> None:
        text = audit.checkpoint_text(int(point[0]), point[1])
        identity.verify(identity.author, text, record.from_base64(point[2]))

    return Answer(Faults(tuple(_fault(check, point) for point in request.checkpoints)))


def _fault(check: Callable[..., object], *arguments: object) -> str:
    try:
        check(*arguments)
    except EnvFSError as error:
        return error.text
    return ""

"""Requests that check or sign: records, keys, and the checkpoints of the access log."""

from collections.abc import Callable

from envfs.core import audit, keyfile, record
from envfs.errors import EnvFSError, Locked
from envfs.keyholder.work import Answer, Work
from envfs.protocol.keyholding import (
    CheckKeys,
    CheckRecords,
    DescribeKeys,
    Faults,
    KeysDescribed,
    SignCheckpoint,
    Signed,
    VerifyCheckpoint,
)


def check_records(request: CheckRecords, work: Work) -> Answer:
    """Open each record; say what is wrong with each."""
    _ = work.identity  # without one nothing can be said of any record
    return Answer(Faults(tuple(_fault(work.open, layer) for layer in request.layers)))


def check_keys(request: CheckKeys, work: Work) -> Answer:
    """Open each key file; say what is wrong with each. One that is under a passphrase not given yet raises Locked."""
    return Answer(Faults(tuple(_fault(work.keys, key.place, number) for number, key in enumerate(request.keys))))


def describe_keys(request: DescribeKeys, work: Work) -> Answer:
    """Name the keys of a project, and whom they are sealed to."""
    keys = work.keys(request.place, 0)
    return Answer(KeysDescribed(tuple(map(keyfile.kid, keys.keys)), keys.recipients))


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
    except Locked:
        raise
    except EnvFSError as error:
        return error.text
    return ""

"""Requests that check records and keys, and those about signed statements."""

from collections.abc import Callable

from envfs.core import keyfile
from envfs.core.addresses import Layer
from envfs.core.record import Point, digest, is_key_stream, mourned
from envfs.dotenv.document import parse_document
from envfs.errors import BadRequest, EnvFSError, Locked
from envfs.keyholder.crypto import sealing, statements
from envfs.keyholder.requests.work import Answer, Work
from envfs.protocol.keyholding import (
    CheckKeys,
    CheckMembers,
    CheckRecords,
    CheckTombstones,
    DescribeKeys,
    Faults,
    KeysDescribed,
    SignTombstone,
    Stated,
)


def check_records(request: CheckRecords, work: Work) -> Answer:
    """Open each record; say what is wrong with each."""
    _ = work.identity  # without one nothing can be said of any record
    return Answer(Faults(tuple(fault(_open_whole, work, layer) for layer in request.layers)))


def _open_whole(work: Work, layer: Layer) -> None:
    opened = work.open_record(layer)
    parse_document(opened.text)
    sealing.open_note(opened)


def check_keys(request: CheckKeys, work: Work) -> Answer:
    """Open each key file; say what is wrong with each. One that is under a passphrase not given yet raises Locked."""
    return Answer(Faults(tuple(fault(work.keys, key.place, number) for number, key in enumerate(request.keys))))


def describe_keys(request: DescribeKeys, work: Work) -> Answer:
    """Name the keys of a project, and whom they are sealed to."""
    keys = work.keys(request.place, 0)
    return Answer(KeysDescribed(tuple(map(keyfile.kid, keys.keys)), keys.recipients))


def sign_tombstone(request: SignTombstone, work: Work) -> Answer:
    """Say that the bytes of some records were forgotten."""
    if not is_key_stream(mourned(request.place.stream)):
        raise BadRequest("only key files are forgotten")  # a daemon that was taken over could have versions disowned
    named = (Point(seq, digest(data)) for seq, data in zip(request.records, work.blobs, strict=True))
    points = (*named, *(Point(seq, "") for seq in request.lost))
    return Answer(Stated(), (statements.sign_tombstone(work.identity, request.place, request.time, points),))


def check_tombstones(request: CheckTombstones, work: Work) -> Answer:
    """Check each tombstone; say what is wrong with each."""
    identity = work.identity
    pairs = zip(request.places, work.blobs, strict=True)
    return Answer(Faults(tuple(fault(statements.check_tombstone, identity, place, data) for place, data in pairs)))


def check_members(request: CheckMembers, work: Work) -> Answer:
    """Check each record of the stream `member`; what follows a wrong one is wrong as well."""
    identity, text = work.identity, ""
    texts: list[str] = []
    try:
        texts.extend("" for _ in statements.follow_members(identity, request.vault, work.blobs))
    except EnvFSError as error:
        text = error.text
    return Answer(Faults((*texts, *([text] * (len(work.blobs) - len(texts))))))


def fault(check: Callable[..., object], *arguments: object) -> str:
    """Say why a check fails, or return the empty string.

    Raises:
        Locked: nothing can be said of it
    """
    try:
        check(*arguments)
    except Locked:
        raise
    except EnvFSError as error:
        return error.text
    return ""

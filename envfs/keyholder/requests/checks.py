"""Requests that check records and keys, and those about signed statements."""

from collections.abc import Callable

from envfs.core import keyfile
from envfs.core.addresses import SealedLayer
from envfs.core.membership.members import Claimed
from envfs.core.record import Point, digest, forgotten_stream, is_key_stream, is_level_stream, project_of_stream
from envfs.dotenv.document import parse_document
from envfs.errors import BadRequest, EnvFSError, Locked
from envfs.keyholder.crypto import sealing, statements
from envfs.keyholder.crypto.identity import Verifier
from envfs.keyholder.requests.work import Work, WorkResult
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


def check_records(request: CheckRecords, work: Work) -> WorkResult:
    """Open each record. Say what is wrong with each."""
    _ = work.identity  # without one nothing can be said of any record
    return WorkResult(Faults(tuple(fault(_open_whole, work, layer) for layer in request.layers)))


def _open_whole(work: Work, layer: SealedLayer) -> None:
    opened = work.open_record(layer)
    parse_document(opened.text)
    sealing.open_note(opened)


def check_keys(request: CheckKeys, work: Work) -> WorkResult:
    """Open each key file. Say what is wrong with each. One that is under a passphrase not given yet raises Locked."""
    return WorkResult(
        Faults(tuple(fault(work.keys, key.place, number, request.members) for number, key in enumerate(request.keys)))
    )


def describe_keys(request: DescribeKeys, work: Work) -> WorkResult:
    """Name the keys of a project, and whom they are sealed to."""
    keys = work.keys(request.place, 0, request.members)
    members = work.members(request.place.vault, request.members)
    project = project_of_stream(request.place.stream)
    pending = members.pending(project, keys.members) if keys.recipients else ""
    return WorkResult(KeysDescribed(tuple(map(keyfile.kid, keys.keys)), keys.recipients, pending))


def sign_tombstone(request: SignTombstone, work: Work) -> WorkResult:
    """Say that the bytes of some records were forgotten.

    Raises:
        BadRequest: they are of another stream, or there is no newer version of the level
        AuthenticationFailed: a text among them is damaged
    """
    stream, members = forgotten_stream(request.place.stream), work.members(request.place.vault, request.members)
    claimed = Claimed(request.place.stream, request.place.seq, work.identity.author, request.time)
    point = members.newest if members.check_right(claimed) else Point()
    if is_level_stream(stream):
        points = _opened_points(stream, request, work)
        return _stated(request, work, points, point)
    if not is_key_stream(stream) or request.layers:
        raise BadRequest("only key files and versions of levels are forgotten")
    pairs = zip(request.records, work.blobs[: len(request.records)], strict=True)
    named = (Point(seq, digest(data)) for seq, data in pairs)
    points = (*named, *(Point(seq, "") for seq in request.lost))
    return _stated(request, work, points, point)


def _stated(request: SignTombstone, work: Work, points: tuple[Point, ...], members: Point) -> WorkResult:
    data = statements.sign_tombstone(work.identity, request.place, request.time, points, members)
    return WorkResult(Stated(), (data,))


def _opened_points(stream: str, request: SignTombstone, work: Work) -> tuple[Point, ...]:
    # each is opened first: of a record that is damaged nothing is signed, and the newest one is never forgotten
    numbers = [layer.record.seq for layer in request.layers]
    if request.records or request.lost or len(numbers) <= 1 or numbers[-1] <= max(numbers[:-1]):
        raise BadRequest("name versions of a level, and then a newer one")
    for layer in request.layers:
        if (layer.record.vault, layer.record.stream) != (request.place.vault, stream):
            raise BadRequest("only versions of one level are forgotten at once")
        work.open_record(layer)
    return tuple(Point(layer.record.seq, digest(work.blobs[layer.record_blob])) for layer in request.layers[:-1])


def check_tombstones(request: CheckTombstones, work: Work) -> WorkResult:
    """Check each tombstone. Say what is wrong with each."""
    identity, pairs = work.identity, zip(request.places, work.blobs[: len(request.places)], strict=True)
    if not request.places:
        return WorkResult(Faults(()))
    members = work.members(request.places[0].vault, request.members)
    texts = (fault(statements.check_tombstone, identity, place, data, members) for place, data in pairs)
    return WorkResult(Faults(tuple(texts)))


def check_members(request: CheckMembers, work: Work) -> WorkResult:
    """Check each record of the stream `member`; what follows a wrong one is wrong as well."""
    verifier, text = Verifier(request.founder, work.keyring.checked) if request.founder else work.identity, ""
    texts: list[str] = []
    try:
        texts.extend("" for _ in statements.follow_members(verifier, request.vault, work.blobs))
    except EnvFSError as error:
        text = error.text
    return WorkResult(Faults((*texts, *([text] * (len(work.blobs) - len(texts))))))


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

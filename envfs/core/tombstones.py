"""A tombstone: the owner's signed word that the bytes of some records of a stream were forgotten (docs/format.md §9).

Laws: a tombstone names records by number and digest, so it can neither excuse the loss of another record nor of one
that was changed first. It never names the newest record of a stream.
"""

from collections.abc import Iterable

from envfs.core import limits, record, statements
from envfs.core.record import Point
from envfs.core.statements import Statement
from envfs.errors import AuthenticationFailed, TooLarge

_FORMS = (("forgotten",), ("forgotten", "members"))


def tombstone_payload(points: Iterable[Point], members: Point = Point()) -> str:  # noqa: B008 - of no entry
    """Return the encoded payload that names some records, and the entry of the list of members that its author knew.

    A digest is empty where a key file had lost its bytes before anybody said so.

    Raises:
        TooLarge: these are more than one tombstone can name
    """
    named = sorted(points)
    if len(named) > limits.TOMBSTONE_RECORDS:
        raise TooLarge("there is too much to forget at once", f"at most {limits.TOMBSTONE_RECORDS} records")
    known = {"members": list(members)} if members.seq else {}
    return statements.encode_object({"forgotten": [list(point) for point in named], **known})


def parse_tombstone(data: bytes) -> tuple[Statement, tuple[Point, ...]]:
    """Read a stored tombstone, and which records it names.

    Raises:
        AuthenticationFailed: not the one encoding of a tombstone
    """
    statement = statements.parse_statement(data, statements.StatementType.TOMBSTONE)
    body = statement.body()
    listed = body.get("forgotten")
    if tuple(body) not in _FORMS or not isinstance(listed, list) or not 0 < len(listed) <= limits.TOMBSTONE_RECORDS:
        raise _wrong()
    points = tuple(map(_point, listed))
    _named_entry(body)
    numbers = [point.seq for point in points]
    if numbers != sorted({*numbers}):
        raise _wrong()
    if record.is_level_stream(record.forgotten_stream(statement.header.stream)) and not all(
        point.digest for point in points
    ):
        raise _wrong()  # of a text that is lost, it has to be certain which one it was
    return statement, points


def members_of(statement: Statement) -> Point:
    """Return the entry of the list of members that a tombstone names, if it names one.

    Raises:
        AuthenticationFailed: it is no entry
    """
    return _named_entry(statement.body())


def _named_entry(body: dict[str, object]) -> Point:
    if "members" not in body:
        return Point()
    point = _point(body["members"])
    if not point.digest:
        raise _wrong()
    return point


def _point(item: object) -> Point:
    match item:
        case [int(seq), str(digest)] if type(seq) is int and seq > 0:
            return Point(seq, digest)
        case _:
            raise _wrong()


def _wrong() -> AuthenticationFailed:
    return AuthenticationFailed("a tombstone is not of format 1", "`envfs verify` names each one")

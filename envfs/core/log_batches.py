"""Batches of entries of a machine's access log, as its auditors get them: what stands in one (docs/format.md §12).

Laws: a batch names the log, the entries that it stands for, and the batch before it, so neither a gap nor an end that
was cut can pass for a whole log. Entries that differ in the moment and in the process alone are one, with their number.
The number of entries in a batch is bounded, however many a machine writes.
"""

import json
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from envfs.core import record, statements
from envfs.core.events import EventKind
from envfs.core.record import Point
from envfs.core.statements import Statement, StatementType
from envfs.errors import AuthenticationFailed

LONGEST_TEXT = 1 << 20  # bytes of the entries of a batch, before they are compressed and sealed
MOST_ENTRIES = 200_000  # of the log, that one batch stands for
_OF_THE_MOMENT = ("seq", "time", "prev", "pid", "process", "session", "times")
_OF_CHECKPOINTS = ("entry", "digest", "signature", "record")
_HEX_DIGITS = 64
_LONGEST_HOST = 64


class BatchClaim(NamedTuple):
    """The part of a batch that takes no key: entries `first` to `last` of the log that begins with the line `begin`.

    `begin` and `tip` are SHA-256 of that line and of entry `last`, in hexadecimal, which ends at byte `offset` of its
    file. `first` is `last` + 1 in a batch that says only that the machine is there. `members` is the newest entry of
    the list of members that its author knew: to the owners and admins after it the entries are sealed.
    """

    members: Point
    begin: str
    first: int
    last: int
    tip: str
    offset: int


class LogBatch(NamedTuple):
    """A stored batch: the statement that is signed, its claim, and the age file with the entries."""

    statement: Statement
    claim: BatchClaim
    sealed: bytes


class SharedEntries(NamedTuple):
    """The content of a batch: the machine's name, in how many seconds it sends the next one, and the entries."""

    host: str
    every: int
    bodies: tuple[dict[str, object], ...]


class Condenser:
    """Takes entries in their order. `count` is how many, `first` the number of the first.

    With `is_full` a batch takes no more.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._rows: dict[str, dict[str, object]] = {}
        self._size = self.count = self.first = 0

    @property
    def is_full(self) -> bool:
        """Tell whether the next entry belongs into another batch."""
        return self._size >= LONGEST_TEXT or self.count >= MOST_ENTRIES

    def take(self, body: dict[str, object]) -> None:
        """Take the next entry."""
        left_out = (*_OF_THE_MOMENT, *(_OF_CHECKPOINTS if body.get("event") == EventKind.CHECKPOINT else ()))
        same = json.dumps({name: value for name, value in body.items() if name not in left_out}, sort_keys=True)
        self.count += 1
        self.first = self.first or _number(body, "seq")
        before = self._rows.pop(same, None)
        row = {name: value for name, value in body.items() if name not in ("prev", *left_out[len(_OF_THE_MOMENT) :])}
        row["entries"] = 1
        if before is None:
            self._size += len(same) + 160  # with what is of the moment
        else:
            row["since"] = before.get("since", before["time"])
            row["times"] = _times(before) + _times(body)
            row["entries"] = _number(before, "entries") + 1
        self._rows[same] = row

    def bodies(self) -> tuple[dict[str, object], ...]:
        """Return the entries, those that are one among them at the place of the last of these."""
        return tuple(self._rows.values())


def _times(body: dict[str, object]) -> int:
    return _number(body, "times") or 1


def _number(body: dict[str, object], name: str) -> int:
    value = body.get(name)
    return value if type(value) is int and value > 0 else 0


def pack_entries(entries: SharedEntries) -> bytes:
    """Return the text that is sealed: a line about the machine, a line for each entry, compressed (RFC 1950)."""
    lines: Iterable[dict[str, object]] = ({"host": entries.host, "every": entries.every}, *entries.bodies)
    return zlib.compress("".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines).encode(), 6)


def unpack_entries(data: bytes) -> SharedEntries:
    """Read what was opened.

    Raises:
        AuthenticationFailed: it is not what `pack_entries` writes, or too long
    """
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(data, 4 * LONGEST_TEXT)
        if not unpacking.eof:
            raise _wrong("is too long")
        head, *bodies = (record.parse_json_object(line) for line in text.splitlines())
    except (zlib.error, ValueError):
        raise _wrong("is not of format 1") from None
    host, every = head.get("host"), head.get("every")
    if not isinstance(host, str) or type(every) is not int:
        raise _wrong("is not of format 1")
    return SharedEntries(host[:_LONGEST_HOST], max(0, every), tuple(bodies))


def stands_for(entries: SharedEntries) -> int:
    """Return how many entries of a log the content of a batch stands for."""
    return sum(_number(body, "entries") for body in entries.bodies)


def batch_payload(claim: BatchClaim, sealed: bytes) -> str:
    """Return the encoded payload."""
    body = {**claim._asdict(), "members": list(claim.members), "sealed": record.to_base64(sealed)}
    return statements.encode_object(body)


def parse_batch(data: bytes) -> LogBatch:
    """Read a stored batch. The keyholder says whether it is authentic.

    Raises:
        AuthenticationFailed: not the one encoding of a batch
    """
    statement = statements.parse_statement(data, StatementType.LOG)
    body = statement.body()
    if tuple(body) != (*BatchClaim._fields, "sealed"):
        raise _wrong("has other fields than it should")
    claim = BatchClaim(_point(body["members"]), *(body[name] for name in BatchClaim._fields[1:]))  # type: ignore[arg-type]
    numbers = (claim.first, claim.last, claim.offset)
    if any(type(number) is not int or number < 0 for number in numbers) or not 0 < claim.first <= claim.last + 1:
        raise _wrong("has a field of another type")
    if not (_is_hex(claim.begin) and _is_hex(claim.tip)):
        raise _wrong("has a field of another type")
    return LogBatch(statement, claim, record.from_base64(body["sealed"]))


def _point(body: object) -> Point:
    match body:
        case [int(seq), str(digest)] if type(seq) is int and seq > 0 and digest:
            return Point(seq, digest)
        case _:
            raise _wrong("names no entry of the list of members")


def _is_hex(text: object) -> bool:
    return isinstance(text, str) and len(text) == _HEX_DIGITS and set(text) <= set("0123456789abcdef")


def _wrong(what: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"a batch of a shared log {what}", "`envfs log verify --all-machines` names each one")

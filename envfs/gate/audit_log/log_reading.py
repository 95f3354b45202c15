"""Reading the access log over all its files: its newest lines without the rest, and its chain from any point."""

import itertools
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from envfs.core import audit
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.core.events import EventKind
from envfs.errors import AuditUnavailable, LogBroken
from envfs.gate.audit_log import log_files
from envfs.gate.audit_log.log_files import HINT, LogEnd, LogPart

_BLOCK = 1 << 16
_DIGEST_BYTES = 32  # of SHA-256
Body = dict[str, object]


class Verified(NamedTuple):
    """The result of following the whole chain.

    `end` is where it ends, `first` the number of the first entry that is here, `since` its time, `begin` the hash of
    the log's first line (empty if that is not here), `restarted` what a restart said in it (None: it is no restart).
    `digests` are the hashes that were asked for.
    """

    end: Tip
    first: int
    since: str
    begin: str
    restarted: str | None
    points: tuple[LoggedCheckpoint, ...]
    digests: dict[int, str]


def newest_lines(path: Path, count: int, size: int | None = None) -> Iterator[bytes]:
    """Yield the newest `count` lines (0: all), the oldest of them first, as they are asked for.

    With `size` the file that is written is read up to there: what comes after it is newer than the question.
    """
    places: list[tuple[Path, int, int | None]] = []
    left = count
    for part in reversed(log_files.log_parts(path)):
        until = None if part.last else size
        offset, lines = _start_of(part.path, left, until) if count else (0, 0)
        places.append((part.path, offset, until))
        left -= lines
        if count and left <= 0:
            break
    for place, offset, until in reversed(places):
        yield from _lines_between(place, offset, until)


def _start_of(path: Path, count: int, until: int | None) -> tuple[int, int]:
    # where the newest `count` lines of a file begin, and how many there are up to that. Each block is read once
    with os.fdopen(log_files.open_part(path), "rb") as file:
        size = file.seek(0, os.SEEK_END)
        at = size = min(size, size if until is None else until)
        lines = 0
        while at:
            step = min(_BLOCK, at)
            at -= step
            file.seek(at)
            block = file.read(step)
            ends = block.count(b"\n", 0, size - 1 - at)  # the last line's own end is none between two lines
            if lines + ends >= count:
                return at + _after_line(block[: size - 1 - at], lines + ends - count), count
            lines += ends
        return 0, lines + bool(size)


def _after_line(block: bytes, number: int) -> int:
    # where what follows the line feed with this number begins
    at = -1
    for _ in range(number + 1):
        at = block.index(b"\n", at + 1)
    return at + 1


def _lines_between(path: Path, offset: int, until: int | None) -> Iterator[bytes]:
    for line in log_files.part_lines(path, offset):
        offset += len(line)
        if until is not None and offset > until:
            return
        yield line


def follow_chain(path: Path, start: LogEnd, on_entry: Callable[[LogEnd, Body], None]) -> LogEnd:
    """Follow the chain from `start` to the last whole line, and return where that ends.

    Raises:
        AuditUnavailable: the entry that `start` names is not in the file where it was written
        LogBroken: a later line does not follow from the one before
    """
    if not holds_entry(path, start):
        raise AuditUnavailable(f"the access log lacks entry {start.seq} that was written", HINT)
    end, last = start, log_files.log_parts(path)[-1]
    for part in _parts_after(path, start.seq):
        offset = start.size if part.first <= start.seq else 0
        read = log_files.whole_lines if part == last else log_files.part_lines
        counted, sizes = _counted(read(part.path, offset), offset)
        end = end._replace(size=offset)
        for tip, body in audit.walk_chain(counted, end.tip):
            end = LogEnd(tip.seq, tip.digest, sizes[0], _record(body, end.record))
            on_entry(end, body)
    return end


def holds_entry(path: Path, end: LogEnd) -> bool:
    """Tell whether the entry that `end` names is where it was written."""
    if not end.seq:
        return True
    within = [part for part in log_files.log_parts(path) if part.first <= end.seq and end.seq <= (part.last or end.seq)]
    line = log_files.line_that_ends(within[0].path, end.size) if within else b""
    return audit.tip_after(Tip(end.seq - 1), line) == end.tip


def first_line(path: Path) -> bytes:
    """Return the first line of the log, or nothing where its first entries are not here."""
    part = log_files.log_parts(path)[0]
    return next(log_files.part_lines(part.path), b"") if part.first == 1 else b""


def verify_chain(
    path: Path,
    asked: Collection[int] = (),
    on_entry: Callable[[LogEnd, Body], None] = lambda _end, _body: None,
) -> Verified:
    """Follow the whole chain.

    Raises:
        LogBroken: naming the first line that is wrong
    """
    everything = itertools.chain.from_iterable(log_files.part_lines(part.path) for part in log_files.log_parts(path))
    first = next(everything, b"")
    start, body = _start(first) if first else (Tip(), {})
    end, points, digests, since = start, [], {}, _Since()
    for end, entry in audit.walk_chain(itertools.chain((first,) if first else (), everything), start):
        point = since.take(end, entry)
        on_entry(LogEnd(*end), entry)
        points += [point] if point else []
        if end.seq in asked:
            digests[end.seq] = end.digest
    begin = audit.tip_after(Tip(), first).digest if start == Tip() and first else ""
    restarted = str(body.get("rule", "")) if body.get("event") == EventKind.RESTART else None
    return Verified(end, start.seq + 1, str(body.get("time", "")), begin, restarted, tuple(points), digests)


def _start(line: bytes) -> tuple[Tip, Body]:
    # a log whose first files were taken away begins with the entry that says so
    body = audit.parse_log_entry(line, 1)
    seq, prev = body.get("seq"), body.get("prev")
    rotated = body.get("event") == EventKind.ROTATE and isinstance(seq, int) and isinstance(prev, str)
    return (Tip(seq - 1, prev), body) if rotated and isinstance(seq, int) and isinstance(prev, str) else (Tip(), body)


class _Since:
    """Remembers the hashes since the last checkpoint: a checkpoint may name an entry some way before its own.

    They are many where a vault was locked for long, so they stand close together.
    """

    def __init__(self) -> None:
        self._first = 0
        self._digests = bytearray()

    def take(self, end: Tip, body: Body) -> LoggedCheckpoint | None:
        point = audit.find_checkpoint(body)
        if point is not None:
            if "entry" in body and self._digest(point.seq) != point.digest:
                raise LogBroken(f"the access log is broken at line {end.seq}: its checkpoint names another entry")
            self._digests.clear()
        if not self._digests:
            self._first = end.seq
        self._digests += bytes.fromhex(end.digest)
        return point

    def _digest(self, seq: int) -> str:
        at = (seq - self._first) * _DIGEST_BYTES
        return self._digests[at : at + _DIGEST_BYTES].hex() if at >= 0 else ""


def _parts_after(path: Path, seq: int) -> list[LogPart]:
    return [part for part in log_files.log_parts(path) if not part.last or part.last > seq]


def _counted(lines: Iterator[bytes], offset: int) -> tuple[Iterator[bytes], list[int]]:
    # the second is where the last line that was taken ends
    sizes = [offset]

    def passing() -> Iterator[bytes]:
        for line in lines:
            sizes[0] += len(line)
            yield line

    return passing(), sizes


def _record(body: Body, before: int) -> int:
    point = audit.find_checkpoint(body)
    if body.get("event") == EventKind.ACCEPT:
        return 0  # a person took the vault as it is: what it had before is asked for no more
    return point.record if point and point.record else before

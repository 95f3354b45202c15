"""Reading the access log over all its files: its newest lines without the rest, and its chain from any point."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from envfs.core import audit
from envfs.core.audit import Tip
from envfs.core.events import EventKind
from envfs.errors import AuditUnavailable
from envfs.gate.audit_log import log_files
from envfs.gate.audit_log.log_files import HINT, LogEnd, LogPart

_BLOCK = 1 << 16
Body = dict[str, object]


def newest_lines(path: Path, count: int, size: int | None = None) -> Iterator[bytes]:
    """Yield the newest `count` lines (0: all), the oldest of them first, as they are asked for.

    With `size` the file that is written is read up to there: what comes after it is newer than the question.
    """
    places: list[tuple[Path, int, int | None]] = []
    left = count
    for part in reversed(log_files.log_parts(path)):
        until = None if part.last else size
        offset, lines = _start_of(part, left, until) if count else (0, 0)
        places.append((part.path, offset, until))
        left -= lines
        if count and left <= 0:
            break
    for place, offset, until in reversed(places):
        yield from _lines_between(place, offset, until)


def newest_matching(
    path: Path, count: int, accepts: Callable[[bytes], bool], size: int | None = None
) -> Iterator[bytes]:
    """As `newest_lines`, of the lines that `accepts` takes. At most `count` lines are in memory."""
    parts = [(part.path, None if part.last else size) for part in log_files.log_parts(path)]
    if not count:
        for place, until in parts:
            yield from filter(accepts, _lines_between(place, 0, until))
        return
    chosen: list[deque[bytes]] = []
    left = count
    for place, until in reversed(parts):
        chosen.append(deque(filter(accepts, _lines_between(place, 0, until)), maxlen=left))
        left -= len(chosen[-1])
        if left <= 0:
            break
    for lines in reversed(chosen):
        yield from lines


def _start_of(part: LogPart, count: int, until: int | None) -> tuple[int, int]:
    # where the newest `count` lines of a file begin, and how many there are up to that. Each block is read once
    if part.is_compressed or not part.path.exists():
        return _start_of_compressed(part, count)
    with os.fdopen(log_files.open_part(part.path), "rb") as file:
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


def _start_of_compressed(part: LogPart, count: int) -> tuple[int, int]:
    # it cannot be read from its end. Its name says how many lines it should have
    skipped = max(0, part.last - part.first + 1 - count)
    lines = log_files.part_lines(part.path)
    offset = sum(map(len, itertools.islice(lines, skipped)))
    return offset, sum(1 for _ in lines)


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


def entries_after(path: Path, start: LogEnd, until: int) -> Iterator[tuple[LogEnd, Body]]:
    """Yield the entries behind `start` up to number `until`, each with where it ends.

    Where `start` is not in the log, those with a greater number. Whether they follow from each other is not looked at.

    Raises:
        LogBroken: a line is no entry
    """
    is_here = holds_entry(path, start)
    parts = log_files.log_parts(path)
    for part in parts:
        if part.last and part.last <= start.seq:
            continue
        offset = start.size if is_here and part.first <= start.seq else 0
        read = log_files.whole_lines if part == parts[-1] else log_files.part_lines
        for line in read(part.path, offset):
            offset += len(line)
            body = audit.parse_log_entry(line, 0)
            seq = body.get("seq")
            if type(seq) is not int or seq > until:
                return
            if seq > start.seq:
                yield LogEnd(seq, audit.tip_after(Tip(), line).digest, offset), body


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

"""Reading the access log's file: its newest lines without reading the rest, and its chain from any point on."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from envfs import safe_open
from envfs.core import audit
from envfs.core.audit import Checkpoint, Tip
from envfs.errors import AuditUnavailable, LogBroken

HINT = "find out what happened to it, then `envfs log verify` and `envfs log restart`"
_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 16


class End(NamedTuple):
    """Where a log ended: how many entries, the hash of the last line, and the file's size then."""

    seq: int = 0
    digest: str = audit.START
    size: int = 0

    @property
    def tip(self) -> Tip:
        """The same as a tip of the chain."""
        return Tip(self.seq, self.digest)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open the log for reading; what goes wrong is AuditUnavailable."""
    try:
        with os.fdopen(safe_open.open_file(path), "rb") as file:
            yield file
    except OSError as error:
        raise cannot(error) from None


def cannot(error: OSError) -> AuditUnavailable:
    """Say that the log cannot be used, and why."""
    return AuditUnavailable(f"the access log cannot be used: {safe_open.reason(error)}", HINT)


def newest(path: Path, count: int) -> list[bytes]:
    """Return the newest `count` lines (0: all), the oldest of them first."""
    with opened(path) as file:
        if not count:
            return list(safe_open.lines(file, _LONGEST_LINE))
        at, data = file.seek(0, os.SEEK_END), b""
        while at and data.count(b"\n") <= count:
            step = min(_BLOCK, at)
            at -= step
            if len(data) > (count + 1) * _LONGEST_LINE:
                raise cannot(safe_open.OverLimit(_LONGEST_LINE, "a line of it"))
            file.seek(at)
            data = file.read(step) + data
    return data.splitlines(keepends=True)[-count:]


def follow(path: Path, start: End) -> End:
    """Follow the chain from `start` to the last whole line, and return where that ends.

    Raises:
        AuditUnavailable: the entry that `start` names is not in the file where it was written
        LogBroken: a later line does not follow from the one before
    """
    with opened(path) as file:
        _check_start(file, start)
        end = start
        lines = (line for line in safe_open.lines(file, _LONGEST_LINE) if line.endswith(b"\n"))
        sizes = _Sizes(lines)
        for tip, _ in audit.walk(sizes, start.tip):
            end = End(tip.seq, tip.digest, start.size + sizes.total)
    return end


def verify(path: Path, tip: Tip) -> list[Checkpoint]:
    """Follow the whole chain, which must end at `tip`; returns the checkpoints in it.

    Raises:
        LogBroken: naming the first line that is wrong, or entries missing at the end
    """
    end, points = Tip(), []
    with opened(path) as file:
        for step, body in audit.walk(safe_open.lines(file, _LONGEST_LINE)):
            end = step
            point = audit.find_checkpoint(body)
            if point is not None:
                points.append(point)
    if end != tip:
        raise LogBroken(f"the access log ends at entry {end.seq}, but entry {tip.seq} was written", HINT)
    return points


class _Sizes:
    """Counts the bytes of the lines that pass."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.total = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.total += len(line)
            yield line


def _check_start(file: BinaryIO, start: End) -> None:
    if not start.seq:
        return
    file.seek(max(0, start.size - _LONGEST_LINE))
    line = file.read(start.size - file.tell()).rpartition(b"\n")[0].rpartition(b"\n")[2] + b"\n"
    if audit.after(Tip(start.seq - 1), line) != start.tip:
        raise AuditUnavailable(f"the access log lacks entry {start.seq} that was written", HINT)
    file.seek(start.size)

"""Following the whole chain of the access log: where it breaks, what was done there, and what is not here.

Law: entries before the first one are missed, unless an entry says that they were removed. It counts if it was signed
before the log was opened again: entries behind the last signature may be anybody's.
"""

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from envfs.core import audit, chain_faults, events
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.core.chain_faults import BrokenChain
from envfs.core.events import Dropped, EventKind
from envfs.errors import EnvFSError, LogBroken
from envfs.gate.audit_log import log_files
from envfs.gate.audit_log.log_files import HINT, LogEnd
from envfs.gate.audit_log.log_reading import Body

_DIGEST_BYTES = 32  # of SHA-256
_DROP = f'"event":"{EventKind.DROP}"'.encode()


class Verified(NamedTuple):
    """The result of following the whole chain.

    `end` is where it ends, `first` the number of the first entry that is here, `since` its time, `begin` the hash of
    the log's first line (empty if that is not here), `restarted` what a restart said in it (None: it is no restart).
    `dropped` are the entries before the first one, as an entry says, and `gap` those of which no entry says so.
    `digests` are the hashes that were asked for.
    """

    end: Tip
    first: int
    since: str
    begin: str
    restarted: str | None
    points: tuple[LoggedCheckpoint, ...]
    digests: dict[int, str]
    dropped: Dropped | None = None
    gap: Dropped | None = None


def verify_chain(
    path: Path,
    asked: Collection[int] = (),
    on_entry: Callable[[LogEnd, Body], None] = lambda _end, _body: None,
    tip: Tip = Tip(),  # noqa: B008
) -> Verified:
    """Follow the whole chain. `tip` is where it should end, if that is known: a break is told more exactly then.

    Raises:
        LogBroken: naming the first line that is wrong
    """
    everything = _PlacedLines(path, tip.digest if tip.seq else "")
    first = next(everything, b"")
    try:
        start, body = _start(first) if first else (Tip(), {})
    except LogBroken as error:
        raise everything.broken(Tip(), Tip(), error) from None
    end, points, digests, since, removal = start, [], {}, _Since(), _Removal(start)
    for end, entry in everything.follow(itertools.chain((first,) if first else (), everything), start):
        point = since.take(end, entry)
        on_entry(LogEnd(*end), entry)
        points += [point] if point else []
        removal.take(entry)
        if end.seq in asked:
            digests[end.seq] = end.digest
    begin = audit.tip_after(Tip(), first).digest if start == Tip() and first else ""
    restarted = str(body.get("rule", "")) if body.get("event") == EventKind.RESTART else None
    signed = max((point.seq for point in points), default=0)
    dropped, since_when = removal.said(signed), str(body.get("time", ""))
    gap = None if dropped else removal.gap
    return Verified(end, start.seq + 1, since_when, begin, restarted, tuple(points), digests, dropped, gap)


class _PlacedLines:
    """The lines of all files of a log, and where the last one stood."""

    def __init__(self, path: Path, end: str) -> None:
        self._lines = self._all(path)
        self._end = end
        self._name, self._number, self._line = path.name, 0, b""

    def __iter__(self) -> "_PlacedLines":
        return self

    def __next__(self) -> bytes:
        return next(self._lines)

    def _all(self, path: Path) -> Iterator[bytes]:
        for part in log_files.log_parts(path):
            self._name = part.path.name
            for self._number, self._line in enumerate(log_files.part_lines(part.path), 1):
                yield self._line

    def follow(self, lines: Iterator[bytes], start: Tip) -> Iterator[tuple[Tip, Body]]:
        """Follow the chain, as `audit.walk_chain`. A break is told with its place."""
        earlier = end = start
        try:
            for tip, body in audit.walk_chain(lines, start):
                earlier, end = end, tip
                yield tip, body
        except LogBroken as error:
            raise self.broken(earlier, end, error) from None

    def broken(self, earlier: Tip, before: Tip, error: LogBroken) -> LogBroken:
        """Say where the chain breaks, and what was done there. `error` is what following it said."""
        if not self._line or error.hint:  # a file could not be read
            return error
        place, line = f"line {self._number} of {self._name}", self._line
        with contextlib.suppress(EnvFSError):
            following = tuple(itertools.islice(self._lines, 2))
            text = chain_faults.describe_break(BrokenChain(earlier, before, (line, *following), self._end))
            return LogBroken(f"the access log is broken at {place}: {text}", HINT)
        return LogBroken(f"the access log is broken at {place}", HINT)


def gap_at_start(path: Path) -> Dropped | None:
    """Return the entries before the first one that is here, if no entry says that they were removed.

    Raises:
        LogBroken: the first line is no entry
    """
    parts = log_files.log_parts(path)
    first = next(log_files.part_lines(parts[0].path), b"")
    start = _start(first)[0] if first else Tip()
    removal = _Removal(start)
    if removal.gap is None:
        return None
    for line in itertools.chain.from_iterable(log_files.part_lines(part.path) for part in parts):
        if b" removed" in line or _DROP in line:
            removal.take(audit.parse_log_entry(line, 1))
    return None if removal.said() else removal.gap


def _start(line: bytes) -> tuple[Tip, Body]:
    # a log whose first files were taken away begins with the entry that says so
    body = audit.parse_log_entry(line, 1)
    seq, prev = body.get("seq"), body.get("prev")
    rotated = body.get("event") == EventKind.ROTATE and isinstance(seq, int) and isinstance(prev, str)
    return (Tip(seq - 1, prev), body) if rotated and isinstance(seq, int) and isinstance(prev, str) else (Tip(), body)


class _Removal:
    """The words of entries about those before the first one: that they were removed, in an entry that counts."""

    def __init__(self, start: Tip) -> None:
        self.gap = Dropped(1, start.seq, start.digest) if start.seq else None
        self._drops: dict[int, Dropped] = {}

    def take(self, body: Body) -> None:
        rule, seq = str(body.get("rule")), body.get("seq")
        if body.get("event") == EventKind.MEND:
            self._drops.pop(events.parse_unsigned_drop(rule), None)
        dropped = events.parse_dropped(rule) if body.get("event") == EventKind.DROP else None
        if dropped and self.gap and dropped[1:] == self.gap[1:] and isinstance(seq, int):
            self._drops[seq] = dropped

    def said(self, signed: int | None = None) -> Dropped | None:
        """Return what the first of these entries says, of those up to entry `signed`."""
        return next((self._drops[seq] for seq in sorted(self._drops) if signed is None or seq <= signed), None)


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

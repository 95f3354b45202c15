"""Opening the access log: from which entry on its chain is followed, and what it must reach.

Laws: the chain is followed from the newest entry that was signed, or that another place remembers. It must pass through
what the log's own end file remembers. Another log is taken only if it begins with a restart after that checkpoint, or
after a later one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from envfs.core import audit
from envfs.core.audit import Tip
from envfs.errors import AuditUnavailable, LogBroken
from envfs.gate.audit_log import log_files, log_reading
from envfs.gate.audit_log.log_files import HINT, LogEnd
from envfs.gate.audit_log.log_reading import Body


class SignedEntry(NamedTuple):
    """A checkpoint, as far as the log is concerned: its number `record` in `stream`. `place` is where it is remembered.

    `begin` is the hash of the log's first line. The log's entry `entries` has the hash `tip` and ends at byte `offset`.
    """

    place: str
    stream: str
    record: int
    begin: str
    entries: int
    tip: str
    offset: int
    time: str

    @property
    def end(self) -> LogEnd:
        """The same as an end of the log."""
        return LogEnd(self.entries, self.tip, self.offset, self.record)


def follow_from_known(
    path: Path, signed: SignedEntry | None, remembered: LogEnd | None, on_entry: Callable[[LogEnd, Body], None]
) -> LogEnd:
    """Follow the log's chain from what is known of it to its last whole line.

    Raises:
        AuditUnavailable: an entry is missing that was written
        LogBroken: it is not the log that was signed, or its chain is broken
    """
    start = _start(path, signed, remembered)
    reached = remembered is None or remembered.seq <= start.seq

    def hear(end: LogEnd, body: Body) -> None:
        nonlocal reached
        reached = reached or (remembered is not None and end.tip == remembered.tip)
        on_entry(end, body)

    end = log_reading.follow_chain(path, start, hear)
    if not reached and remembered is not None:
        raise AuditUnavailable(f"the access log lacks entry {remembered.seq} that was written", HINT)
    return end


def _start(path: Path, signed: SignedEntry | None, remembered: LogEnd | None) -> LogEnd:
    if signed is None:
        return remembered or LogEnd()
    if log_reading.holds_entry(path, signed.end):
        return signed.end
    if _is_restarted(path, signed):
        return remembered if remembered and log_reading.holds_entry(path, remembered) else LogEnd()
    raise LogBroken(
        f"the access log is not the one that was signed: entry {signed.entries} of {signed.time[:19]} UTC "
        f"is missing or another ({signed.place})",
        HINT,
    )


def _is_restarted(path: Path, signed: SignedEntry) -> bool:
    line = log_reading.first_line(path)
    if not line.endswith(b"\n") or audit.tip_after(Tip(), line).digest == signed.begin:
        return False
    body = audit.parse_log_entry(line, 1)
    after = body.get("version", 0)
    return body.get("event") == "restart" and isinstance(after, int) and after >= signed.record


def what_is_torn(path: Path, end: LogEnd, count: int) -> str:
    """Say what the `count` bytes behind the last whole line are, as a power cut leaves them.

    Raises:
        AuditUnavailable: the file cannot be read
    """
    if b"\0" in log_files.piece(path, end.size):
        return f"a piece of {count} bytes, zeros among them,"
    return "half an entry"


def missing_log(path: Path, end: LogEnd, otherwise: str = "") -> str:
    """Say what became of a log whose file is not there."""
    moved = log_files.moved_log(path, end)
    if moved is not None:
        return f"the access log was moved to {moved.name}; `envfs log rotate` takes it back"
    return otherwise or f"the access log is gone: it had {end.seq} entries"


def end_of(path: Path, end: LogEnd) -> LogEnd:
    """Follow one file of the log from `end` to its last line, and return where that is.

    Raises:
        LogBroken: a line does not follow from the one before
    """
    size = end.size
    for tip, _ in audit.walk_chain(log_files.part_lines(path, end.size), end.tip):
        end = end._replace(seq=tip.seq, digest=tip.digest)
    return end._replace(size=size)

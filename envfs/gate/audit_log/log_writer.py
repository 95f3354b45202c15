"""Writing entries into the access log, each behind the one before (docs/format.md §7).

Laws: an entry is in the file before what it speaks of happens. An end that is remembered is on the disk by then.
When this fails, or the file is not the one that was written, nothing is served until the file is as it was or a person
says `envfs log restart`. No credential of a known shape is in an entry.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

from envfs import safe_open
from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.core.audit_settings import AuditSettings, Sync
from envfs.core.events import Event
from envfs.core.origin import UNSEEN, Origin
from envfs.dotenv.placeholders.redaction import redact_credentials
from envfs.errors import AuditUnavailable
from envfs.gate.audit_log import log_end, log_opening
from envfs.gate.audit_log.event_counts import EventCounts
from envfs.gate.audit_log.log_files import HINT, LONGEST_LINE, LogEnd
from envfs.gate.audit_log.written_file import CannotWrite, FileGone, FileIsAnother, ReadOnly, WrittenFile
from envfs.host import clocks
from envfs.host.callers.origins import Origins
from envfs.host.journals import LogCopies

_USUAL = AuditSettings()
_MOST_MIDDLES = 128
_A_LOOK, _A_WRITE = "look", "write"  # what shows that a log which was read-only, or on a full disk, may go on


class LogWriter:
    """Writes the log at `path`. `tip` is where the chain ends, `problem` why nothing can be written, or empty.

    `record` is the number of the newest checkpoint that the log names. After the entry `signed_to` nothing was written
    but its checkpoint. `settings` says when entries are put on the disk, and where copies go.
    """

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self.path = path
        self.tip = Tip()
        self.record = 0
        self.problem = ""
        self.signed_to = 0
        self.settings: Callable[[], AuditSettings] = lambda: _USUAL
        self.copies = LogCopies()
        self.counts = EventCounts()
        self._cure = ""
        self._file = WrittenFile(path)
        self._pending: list[events.Event] = []
        self._origins = Origins()
        self._middles: dict[int, tuple[Event, Caller, Origin, str]] = {}  # of the last entries, by process

    def append(self, event: Event, caller: Caller | None) -> bytes:
        """Write one entry. Returns its line.

        Raises:
            AuditUnavailable: it cannot be written, or the file is not the one that this process wrote
        """
        if self.is_broken:
            raise AuditUnavailable(self.problem, HINT)
        self._check_file()
        if self._pending:
            self._write_pending()
        line, settings = audit.line_of(self.tip, clocks.wall_time(), self._middle(event, caller)), self.settings()
        if len(line) > LONGEST_LINE:  # no reader would take it, nor anything behind it
            raise AuditUnavailable("an entry is too large for the access log", HINT)
        self._write(line, settings)
        self.counts.count(event)
        if settings.sync is Sync.ALWAYS:
            self.sync()
            if self.problem:
                raise AuditUnavailable(self.problem, HINT)
        return line

    def _middle(self, event: Event, caller: Caller | None) -> str:
        # put together once for the opens of one process: then these are the same objects
        if caller is None:
            return audit.entry_middle(event, None, UNSEEN, redact_credentials)
        origin = self._origins.look(caller)
        before = self._middles.get(caller.pid)
        if before is not None and before[0] is event and before[1] is caller and before[2] is origin:
            return before[3]
        if len(self._middles) >= _MOST_MIDDLES:
            self._middles.clear()
        middle = audit.entry_middle(event, caller, origin, redact_credentials)  # a program can be called by its token
        self._middles[caller.pid] = (event, caller, origin, middle)
        return middle

    def append_durably(self, event: events.Event, caller: Caller) -> None:
        """As `append`. Raises AuditUnavailable as well where the entry would not be on the disk when this returns."""
        self.append(event, caller)
        self.sync()
        if self.problem:
            raise AuditUnavailable(self.problem, HINT)

    def settle(self, event: events.Event) -> None:
        """Write an entry that belongs behind the newest one. Where that cannot be now, it comes before the next one."""
        self.note(event)
        self.write_notes()

    def note(self, event: events.Event) -> None:
        """Have an entry written before the next one: what was repaired when the log was opened."""
        self._pending.append(event)

    def write_notes(self) -> None:
        """Write what was noted now, if the log can be written."""
        with contextlib.suppress(AuditUnavailable):
            if self._pending and not self.look():
                self._write_pending()

    def _write_pending(self) -> None:
        while self._pending:
            self._write(audit.line_of(self.tip, clocks.wall_time(), self._middle(self._pending[0], None)))
            self._pending.pop(0)

    def append_checkpoint(self, signed: LoggedCheckpoint) -> None:
        """Write a signature over an entry of this log into it."""
        if not self.problem:
            self._check_file()
            quiet = signed.seq == self.tip.seq
            self.record = signed.record or self.record
            self._write(audit.checkpoint_line(self.tip, clocks.wall_time(), signed))
            self.signed_to = self.tip.seq if quiet else signed.seq

    def sync(self) -> None:
        """Put what was written on the disk. Called once a second while there is something to put."""
        try:
            self._file.sync()
        except OSError as error:
            # after a failed sync nobody knows which entries are on the disk: a retry would only seem to help
            self._lost(f"the access log cannot be put on the disk: {safe_open.error_words(error)}")

    def remember(self) -> None:
        """Put what was written on the disk, then remember that it is there.

        Raises:
            StoreUnavailable: the end cannot be written. Then the next start follows the chain from further back
        """
        end = self.end
        self.sync()
        if not self.problem:
            log_end.write_log_end(self.path, end)

    def break_off(self, problem: str) -> None:
        """Serve nothing more until a person says `envfs log restart`."""
        self._lost(problem)

    @property
    def end(self) -> LogEnd:
        """Where the log ends now."""
        return LogEnd(self.tip.seq, self.tip.digest, self._file.size, self.record)

    @property
    def unsynced(self) -> bool:
        """Tell whether something was written that may not be on the disk."""
        return self._file.is_unsynced

    @property
    def is_broken(self) -> bool:
        """Tell whether nothing is served until a restart. A log that may be written again by itself is not broken."""
        return bool(self.problem) and not self._cure

    def look(self) -> str:
        """Say what is wrong with the log now, or return the empty string."""
        if not self.problem or self._cure == _A_LOOK:
            with contextlib.suppress(AuditUnavailable):
                self._check_file()
                self.problem = ""
        return self.problem

    def _check_file(self) -> None:
        try:
            self._file.check()
        except FileGone as error:
            raise self._lost(log_opening.missing_log(self.path, self.end, error.text)) from None
        except FileIsAnother as error:
            raise self._lost(error.text) from None
        except ReadOnly as error:
            raise self._lost(error.text, _A_LOOK) from None

    def _lost(self, problem: str, cure: str = "") -> AuditUnavailable:
        self.problem, self._cure = problem, cure
        return AuditUnavailable(problem, HINT)

    def _write(self, line: bytes, settings: AuditSettings | None = None) -> None:
        try:
            self._file.write(line)
        except CannotWrite as error:
            raise self._lost(error.text, _A_WRITE) from None
        self.tip = audit.tip_after(self.tip, line)
        self.problem = ""
        self.copies.send((settings or self.settings()).copies, line)

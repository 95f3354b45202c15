"""The access log on the disk (docs/format.md §7).

Laws: an entry is in the file before what it speaks of happens. An end that is remembered is on the disk by then.
When this fails, or the file is not the one that was written, nothing is served until the file is as it was or a person
says `envfs log restart`.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from envfs import safe_open
from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.core.audit_settings import AuditSettings, Sync
from envfs.core.origin import UNSEEN
from envfs.errors import AuditUnavailable, LogBroken, StoreUnavailable
from envfs.gate.audit_log import chain_verification, log_end, log_files, log_opening, log_reading
from envfs.gate.audit_log.log_files import HINT, LogEnd, unavailable
from envfs.gate.audit_log.log_opening import SignedEntry
from envfs.gate.audit_log.log_stretch import Stretch
from envfs.gate.audit_log.written_file import CannotWrite, FileGone, FileIsAnother, ReadOnly, WrittenFile
from envfs.host import clocks, private_files
from envfs.host.journals import LogCopies
from envfs.host.origins import Origins

Accepts = Callable[[bytes], bool]  # tells whether a line is one of those that are asked for
OnEntry = Callable[[LogEnd, log_reading.Body], None]  # hears an entry, and where it ends
_A_LOOK, _A_WRITE = "look", "write"  # what shows that a log which was read-only, or on a full disk, may go on


class AccessLog:
    """The log at `path`, with its end remembered beside it. One process at a time writes it.

    `signed` is the newest that others than the log remember of it, `on_entry` hears each entry that came after that.
    """

    only_looks = False  # true of one that leaves the file as it is

    def __init__(
        self,
        path: Path,
        signed: SignedEntry | None = None,
        on_entry: OnEntry = lambda _end, _body: None,
    ) -> None:
        """Open the log, or begin one where there never was one.

        The state after opening is never an exception: a log that cannot be used leaves `problem` filled.
        """
        self.path = path
        self.tip = Tip()
        self.record = 0
        self.problem = ""
        self.signed_to = 0  # after this entry nothing was written but its checkpoint
        self._signed = signed
        self._cure = ""
        self._file = WrittenFile(path)
        self._pending: list[events.Event] = []
        self._origins = Origins()
        self.settings: Callable[[], AuditSettings] = AuditSettings
        self.copies = LogCopies()
        try:
            self._open(on_entry)
        except (AuditUnavailable, LogBroken, StoreUnavailable) as error:
            self.problem = error.text

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(self, event: events.Event, caller: Caller | None) -> None:
        """Write one entry.

        Raises:
            AuditUnavailable: it cannot be written, or the file is not the one that this process wrote
        """
        if self.is_broken:
            raise AuditUnavailable(self.problem, HINT)
        self._check_file()
        if self._pending:
            self._write_pending()
        origin = UNSEEN if caller is None else self._origins.look(caller)
        self._write(audit.entry_line(self.tip, clocks.wall_time(), event, caller, origin))
        if self.settings().sync is Sync.ALWAYS:
            self.sync()
            if self.problem:
                raise AuditUnavailable(self.problem, HINT)

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
            self._write(audit.entry_line(self.tip, clocks.wall_time(), self._pending[0], None))
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

    def rotate(self, caller: Caller) -> str:
        """Keep the file under the name of its entries and go on in a new one. Returns the kept file's name.

        A file that another program moved, or copied and emptied, is taken back if every entry is in it.

        Raises:
            AuditUnavailable: entries are missing, or a file cannot be written
        """
        moved = self._moved()
        first = log_files.first_number(moved or self.path)
        aside = log_files.kept_name(self.path, first, self.tip.seq)
        if aside.exists() or not self.tip.seq:
            raise AuditUnavailable(
                f"the access log cannot be kept as {aside.name}", "add an entry first, or move that file"
            )
        try:
            if moved is None:
                self.remember()
                self.path.rename(aside)
            else:
                moved.rename(aside)
                self.path.unlink(missing_ok=True)
            private_files.sync_folder(self.path.parent)
        except OSError as error:
            raise unavailable(error) from None
        self._lost("a new file of the access log could not be begun")
        self._go_on(events.rotated(aside.name), caller)
        return str(aside)

    def restart(self, caller: Caller, behind: str = "") -> str:
        """Set the old files aside and begin a new log whose first entry says so. Returns the old file's new name.

        `behind` is what else a person takes as it is.
        """
        try:
            aside = log_files.set_aside(self.path, clocks.wall_time().replace(":", ""))
        except OSError as error:
            raise unavailable(error) from None
        lost, self.tip = self.tip, Tip()
        event = events.restarted(self._signed.record if self._signed else 0, log_files.lost_entries(lost, behind))
        self._pending.clear()
        self.signed_to = 0
        self._lost("a new access log could not be begun")  # until its first entry says what was lost
        try:
            self._go_on(event, caller)
        except (AuditUnavailable, StoreUnavailable) as error:
            self.tip = lost
            raise self._lost(error.text) from None
        return aside

    def close(self) -> None:
        """Put everything on the disk and remember where the log ended."""
        if self._file.is_open:
            with contextlib.suppress(StoreUnavailable, AuditUnavailable):
                if not self.problem:
                    self.write_notes()
                self.remember()
            self._file.close()
        self.copies.close()

    # -- reading -------------------------------------------------------------------------------------------------------

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

    def signed_is(self, signed: SignedEntry) -> None:
        """Take note of the newest checkpoint."""
        self._signed = signed

    def stretch(self) -> Stretch:
        """Return what this process wrote since the last time that it was asked, to be compared with the file."""
        return self._file.stretch(self.tip, self.record)

    def look(self) -> str:
        """Say what is wrong with the log now, or return the empty string."""
        if not self.problem or self._cure == _A_LOOK:
            with contextlib.suppress(AuditUnavailable):
                self._check_file()
                self.problem = ""
        return self.problem

    def newest(self, count: int, accepts: Accepts | None = None) -> Iterator[bytes]:
        """Yield the newest `count` lines (0: all), the oldest of them first, up to the newest entry of now.

        With `accepts`, the newest of those that it takes.
        """
        size = None if self.problem else self._file.size
        if accepts is None:
            return log_reading.newest_lines(self.path, count, size)
        return log_reading.newest_matching(self.path, count, accepts, size)

    def verify(self, asked: Collection[int] = ()) -> chain_verification.Verified:
        """Follow the whole chain to the end that was written last. Returns the hashes of the entries `asked` for too.

        Raises:
            LogBroken: naming the first line that is wrong, or entries missing at the end
        """
        verified = chain_verification.verify_chain(self.path, asked)
        if self.is_broken:
            raise LogBroken(self.problem, HINT)
        if verified.end != self.tip:
            ends = f"the access log ends at entry {verified.end.seq}, but entry {self.tip.seq} was written"
            raise LogBroken(ends, HINT)
        return verified

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self, on_entry: OnEntry) -> None:
        remembered = log_end.read_log_end(self.path)
        last = remembered or (self._signed.end if self._signed else LogEnd())
        self.tip, self._file.size, self.record = last.tip, last.size, last.record
        if not os.path.lexists(self.path):
            self._begin(remembered)
            return
        self._file.open()
        size, self._file.size = self._file.size, last.size
        end = log_opening.follow_from_known(self.path, self._signed, remembered, self._hearing(on_entry))
        self._file.size = size
        if end.size < size:
            what = log_opening.what_is_torn(self.path, end, size - end.size)
            self.note(events.mended(f"{what} after entry {end.seq} was dropped"))
        self._file.begin_at(end.size)  # the bytes behind never were on the disk: no end and no checkpoint names them
        earlier = log_files.log_parts(self.path)[:-1]
        if earlier and not end.size:  # a rotation that a power cut interrupted
            self._pending.insert(0, events.rotated(earlier[-1].path.name))
        self.tip, self.record = end.tip, end.record

    def _hearing(self, on_entry: OnEntry) -> OnEntry:
        def hear(end: LogEnd, body: log_reading.Body) -> None:
            if body.get("event") == events.EventKind.DROP:  # what was signed of the log ends before it
                self.note(events.unsigned_drop(end.seq))
            on_entry(end, body)

        return hear

    def _begin(self, remembered: LogEnd | None) -> None:
        gone = remembered or (self._signed.end if self._signed else None)
        earlier = log_files.log_parts(self.path)[:-1]
        if gone is not None or earlier:
            newest = earlier[-1].path if earlier else None
            if gone is None or newest is None or log_files.moved_log(self.path, gone) != newest:
                raise AuditUnavailable(log_opening.missing_log(self.path, gone or LogEnd()), HINT)
            self._go_on(events.rotated(newest.name), None)  # a rotation that was interrupted
            return
        self._file.create()
        log_end.write_log_end(self.path, self.end)

    def _go_on(self, event: events.Event, caller: Caller | None) -> None:
        self._file.create()
        self._write(audit.entry_line(self.tip, clocks.wall_time(), event, caller))
        self.remember()

    # -- the file's own state ------------------------------------------------------------------------------------------

    def _moved(self) -> Path | None:
        if not self.look():
            return None
        moved = log_files.moved_log(self.path, self.end)
        gone = not os.path.lexists(self.path) or self.path.stat(follow_symlinks=False).st_size == 0
        if moved is None or not gone:
            raise AuditUnavailable(self.problem, HINT)
        end = log_opening.end_of(moved, self.end)
        if self._file.is_open and end.tip != self.tip:
            raise AuditUnavailable(self.problem, HINT)
        self.tip = end.tip
        return moved

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

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line)
        except CannotWrite as error:
            raise self._lost(error.text, _A_WRITE) from None
        self.tip = audit.tip_after(self.tip, line)
        self.problem = ""
        self.copies.send(self.settings().copies, line)

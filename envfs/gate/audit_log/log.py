"""The access log on the disk (docs/format.md §7).

Laws: an entry is in the file before what it speaks of happens. Before each entry the file itself is checked (the same
file, linked, not shrunk or grown by others, writable); what is remembered of the log is on the disk before it is
remembered. When any of this fails, nothing is served until the file is as it was or a person says `envfs log restart`.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from envfs import safe_open
from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.errors import AuditUnavailable, LogBroken, StoreUnavailable
from envfs.gate.audit_log import log_end, log_files, log_opening, log_reading
from envfs.gate.audit_log.log_files import HINT, LogEnd, unavailable
from envfs.gate.audit_log.log_opening import SignedEntry
from envfs.gate.audit_log.log_stretch import Stretch
from envfs.host import clocks, private_files

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
        self.unsynced = False
        self.signed_to = 0  # after this entry nothing was written but its checkpoint
        self._signed = signed
        self._cure = ""
        self._handle = -1
        self._identity = (0, 0)
        self._size = 0
        self._sure = 0
        self._since = hashlib.sha256()  # over what this process wrote from byte `_sure` on
        self._pending: list[events.Event] = []
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
        self._write(audit.entry_line(self.tip, clocks.wall_time(), event, caller))

    def append_durably(self, event: events.Event, caller: Caller) -> None:
        """As `append`. Raises AuditUnavailable as well where the entry would not be on the disk when this returns."""
        self.append(event, caller)
        self.sync()
        if self.problem:
            raise AuditUnavailable(self.problem, HINT)

    def settle(self, event: events.Event) -> None:
        """Write an entry that belongs behind the newest one. Where that cannot be now, it comes before the next one."""
        self.note(event)
        with contextlib.suppress(AuditUnavailable):
            if not self.look():
                self._write_pending()

    def note(self, event: events.Event) -> None:
        """Have an entry written before the next one: what was repaired when the log was opened."""
        self._pending.append(event)

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
        if not self.unsynced or self._handle < 0:
            return
        self.unsynced = False
        try:
            os.fdatasync(self._handle)
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
        if self._handle >= 0:
            with contextlib.suppress(StoreUnavailable, AuditUnavailable):
                if not self.problem and not self.look():
                    self._write_pending()
                self.remember()
            os.close(self._handle)
            self._handle = -1

    # -- reading -------------------------------------------------------------------------------------------------------

    @property
    def end(self) -> LogEnd:
        """Where the log ends now."""
        return LogEnd(self.tip.seq, self.tip.digest, self._size, self.record)

    @property
    def is_broken(self) -> bool:
        """Tell whether nothing is served until a restart. A log that may be written again by itself is not broken."""
        return bool(self.problem) and not self._cure

    def signed_is(self, signed: SignedEntry) -> None:
        """Take note of the newest checkpoint."""
        self._signed = signed

    def stretch(self) -> Stretch:
        """Return what this process wrote since the last time that it was asked, to be compared with the file."""
        done = Stretch(self.path, self._identity, self._sure, self.end, self._since.digest())
        self._sure, self._since = self._size, hashlib.sha256()
        return done

    def look(self) -> str:
        """Say what is wrong with the log now, or return the empty string."""
        if not self.problem or self._cure == _A_LOOK:
            with contextlib.suppress(AuditUnavailable):
                self._check_file()
                self.problem = ""
        return self.problem

    def newest(self, count: int) -> Iterator[bytes]:
        """Yield the newest `count` lines (0: all), the oldest of them first, up to the newest entry of now."""
        return log_reading.newest_lines(self.path, count, None if self.problem else self._size)

    def verify(self, asked: Collection[int] = ()) -> log_reading.Verified:
        """Follow the whole chain to the end that was written last. Returns the hashes of the entries `asked` for too.

        Raises:
            LogBroken: naming the first line that is wrong, or entries missing at the end
        """
        verified = log_reading.verify_chain(self.path, asked)
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
        self.tip, self._size, self.record = last.tip, last.size, last.record
        if not os.path.lexists(self.path):
            self._begin(remembered)
            return
        self._take(os.O_APPEND)
        size, self._size = self._size, last.size
        end = log_opening.follow_from_known(self.path, self._signed, remembered, on_entry)
        if end.size < size:
            what = log_opening.what_is_torn(self.path, end, size - end.size)
            os.ftruncate(self._handle, end.size)  # never was on the disk, so that no end and no checkpoint names it
            self.note(events.mended(f"{what} after entry {end.seq} was dropped"))
        earlier = log_files.log_parts(self.path)[:-1]
        if earlier and not end.size:  # a rotation that a power cut interrupted
            self._pending.insert(0, events.rotated(earlier[-1].path.name))
        self.tip, self._size, self._sure, self.record = end.tip, end.size, end.size, end.record

    def _begin(self, remembered: LogEnd | None) -> None:
        gone = remembered or (self._signed.end if self._signed else None)
        earlier = log_files.log_parts(self.path)[:-1]
        if gone is not None or earlier:
            newest = earlier[-1].path if earlier else None
            if gone is None or newest is None or log_files.moved_log(self.path, gone) != newest:
                raise AuditUnavailable(log_opening.missing_log(self.path, gone or LogEnd()), HINT)
            self._go_on(events.rotated(newest.name), None)  # a rotation that was interrupted
            return
        self._new_file()
        log_end.write_log_end(self.path, self.end)

    def _go_on(self, event: events.Event, caller: Caller | None) -> None:
        self._new_file()
        self._write(audit.entry_line(self.tip, clocks.wall_time(), event, caller))
        self.remember()

    def _new_file(self) -> None:
        try:
            private_files.make_folder(self.path.parent)
            self._take(os.O_APPEND | os.O_CREAT | os.O_EXCL)
            private_files.sync_folder(self.path.parent)
            private_files.sync_above(self.path.parent)  # whoever took the lock before may have made it
        except OSError as error:
            raise unavailable(error) from None
        self._sure, self._since = 0, hashlib.sha256()

    def _take(self, flags: int) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._handle = log_files.open_part(self.path, os.O_WRONLY | flags)
        status = os.fstat(self._handle)
        self._identity, self._size = (status.st_dev, status.st_ino), status.st_size

    # -- the file's own state ------------------------------------------------------------------------------------------

    def _moved(self) -> Path | None:
        if not self.look():
            return None
        moved = log_files.moved_log(self.path, self.end)
        gone = not os.path.lexists(self.path) or self.path.stat(follow_symlinks=False).st_size == 0
        if moved is None or not gone:
            raise AuditUnavailable(self.problem, HINT)
        end = log_opening.end_of(moved, self.end)
        if self._handle >= 0 and end.tip != self.tip:
            raise AuditUnavailable(self.problem, HINT)
        self.tip = end.tip
        return moved

    def _check_file(self) -> None:
        try:
            status = os.stat(self.path, follow_symlinks=False)
        except OSError:
            raise self._lost(log_opening.missing_log(self.path, self.end, "the access log was deleted")) from None
        if (status.st_dev, status.st_ino) != self._identity:
            raise self._lost("the access log was replaced by another file")
        if status.st_size != self._size:
            raise self._lost("another program changed the access log")
        if not status.st_mode & stat.S_IWUSR:
            raise self._lost("the access log was made read-only", _A_LOOK)

    def _lost(self, problem: str, cure: str = "") -> AuditUnavailable:
        self.problem, self._cure = problem, cure
        return AuditUnavailable(problem, HINT)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            raise self._lost(unavailable(error).text, _A_WRITE) from None
        if written != len(line):
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._size)
            raise self._lost("the access log cannot be written: no space left on device", _A_WRITE)
        self._size += written
        self.tip = audit.tip_after(self.tip, line)
        self._since.update(line)
        self.problem = ""
        self.unsynced = True

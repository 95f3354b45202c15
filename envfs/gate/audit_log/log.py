"""The access log on the disk: opened, continued in new files, read (docs/format.md §7).

Law: a log that is not the one that was left is not written. It stays as it is until a person says `envfs log restart`.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.audit import Tip
from envfs.errors import AuditUnavailable, LogBroken, StoreUnavailable
from envfs.gate.audit_log import chain_verification, log_end, log_files, log_opening, log_reading
from envfs.gate.audit_log.log_files import HINT, LogEnd, unavailable
from envfs.gate.audit_log.log_opening import SignedEntry
from envfs.gate.audit_log.log_stretch import Stretch
from envfs.gate.audit_log.log_writer import LogWriter
from envfs.host import clocks, private_files

Accepts = Callable[[bytes], bool]  # tells whether a line is one of those that are asked for
OnEntry = Callable[[LogEnd, log_reading.Body], None]  # hears an entry, and where it ends


class AccessLog(LogWriter):
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
        super().__init__(path)
        self._signed = signed
        try:
            self._open(on_entry)
        except (AuditUnavailable, LogBroken, StoreUnavailable) as error:
            self.problem = error.text

    # -- going on in a new file ----------------------------------------------------------------------------------------

    def rotate(self, caller: Caller) -> str:
        """Keep the file under the name of its entries and go on in a new one. Returns the kept file's name.

        A file that another program moved, or copied and emptied, is taken back if every entry is in it.

        Raises:
            AuditUnavailable: entries are missing, or a file cannot be written
        """
        self.write_notes()  # or a rotation that failed behind its first step could not be asked for again
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

    def signed_is(self, signed: SignedEntry) -> None:
        """Take note of the newest checkpoint."""
        self._signed = signed

    def stretch(self) -> Stretch:
        """Return what this process wrote since the last time that it was asked, to be compared with the file."""
        return self._file.stretch(self.tip, self.record)

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
        verified = chain_verification.verify_chain(self.path, asked, tip=self.tip)
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
        self._write(audit.line_of(self.tip, clocks.wall_time(), self._middle(event, caller)))
        self.remember()

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

"""The access log on the disk (docs/format.md §7).

Laws: an entry is in the file before what it speaks of happens; before each entry the file itself is checked (the same
file, linked, not shrunk or grown by others, writable); when any of this fails, nothing is served until the file is as
it was or a person says `envfs log restart`.
"""

import contextlib
import os
import stat
from pathlib import Path

from envfs import safe_open
from envfs.core import audit
from envfs.core.audit import Checkpoint, Event, Tip
from envfs.core.policy import Caller
from envfs.errors import AuditUnavailable, LogBroken, StoreUnavailable
from envfs.gate import log_reading
from envfs.gate.log_reading import HINT, End, cannot
from envfs.host import clocks, files

_END_BYTES = 1 << 10
_A_LOOK, _A_WRITE = "look", "write"  # what shows that a log which was read-only, or on a full disk, may go on


class AccessLog:
    """The log at `path`, with its end remembered beside it; one process at a time writes it."""

    def __init__(self, path: Path) -> None:
        """Open the log, or begin one where there never was one.

        The state after opening is never an exception: a log that cannot be used leaves `problem` filled.
        """
        self.path = path
        self.tip = Tip()
        self.problem = ""
        self.unsynced = False
        self._cure = ""
        self._handle = -1
        self._identity = (0, 0)
        self._size = 0
        try:
            self._open()
        except (AuditUnavailable, LogBroken, StoreUnavailable) as error:
            self.problem = error.text

    # -- writing -------------------------------------------------------------------------------------------------------

    def append(self, event: Event, caller: Caller | None) -> None:
        """Write one entry.

        Raises:
            AuditUnavailable: it cannot be written, or the file is not the one that this process wrote
        """
        if self.problem and not self._cure:
            raise AuditUnavailable(self.problem, HINT)
        self._check_file()
        self._write(audit.line(self.tip, clocks.wall(), event, caller))

    def append_checkpoint(self, tip: Tip, signature: str) -> None:
        """Write the signature over `tip` if that is still the end of the log."""
        if tip == self.tip and not self.problem:
            self._check_file()
            self._write(audit.checkpoint(tip, clocks.wall(), signature))
            self._remember()

    def sync(self) -> None:
        """Put what was written on the disk; called once a second while there is something to put."""
        if not self.unsynced or self._handle < 0:
            return
        self.unsynced = False
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            # after a failed sync nobody knows which entries are on the disk: a retry would only seem to help
            self._lost(f"the access log cannot be put on the disk: {os.strerror(error.errno or 5).lower()}")

    def restart(self, caller: Caller) -> str:
        """Set the old file aside and begin a new one whose first entry says so; returns the old file's new name."""
        aside = ""
        try:
            if os.path.lexists(self.path):
                aside = f"{self.path}.{clocks.wall().replace(':', '')}"
                self.path.rename(aside)
            self._end_path().unlink(missing_ok=True)
        except OSError as error:
            raise cannot(error) from None
        lost, self.tip = self.tip, Tip()
        event = Event("restart", rule=f"after entry {lost.seq} {lost.digest}")
        self._lost("a new access log could not be begun")  # until its first entry says what was lost
        try:
            self._begin()
            self._write(audit.line(self.tip, clocks.wall(), event, caller))
        except (AuditUnavailable, StoreUnavailable) as error:
            self.tip = lost
            raise self._lost(error.text) from None
        return aside

    def close(self) -> None:
        """Put everything on the disk and remember where the log ended."""
        self.sync()
        if self._handle >= 0:
            if not self.problem:
                with contextlib.suppress(StoreUnavailable):  # then the next start follows the chain from further back
                    self._remember()
            os.close(self._handle)
            self._handle = -1

    # -- reading -------------------------------------------------------------------------------------------------------

    def look(self) -> str:
        """Say what is wrong with the log now, or return the empty string."""
        if not self.problem or self._cure == _A_LOOK:
            with contextlib.suppress(AuditUnavailable):
                self._check_file()
                self.problem = ""
        return self.problem

    def newest(self, count: int) -> list[bytes]:
        """Return the newest `count` lines (0: all), the oldest of them first."""
        return log_reading.newest(self.path, count)

    def verify(self) -> list[Checkpoint]:
        """Follow the chain to the end that was written last; returns the checkpoints found.

        Raises:
            LogBroken: naming the first line that is wrong, or entries missing at the end
        """
        return log_reading.verify(self.path, self.tip)

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        end = self._remembered()
        if end is not None:
            self.tip = end.tip
        if not self.path.exists():
            if end is not None:
                raise AuditUnavailable(f"the access log is gone: it had {end.seq} entries", HINT)
            self._begin()
            return
        self._take(os.O_APPEND)
        end = log_reading.follow(self.path, end or End())
        if end.size < self._size:
            os.ftruncate(self._handle, end.size)  # an entry that a power cut left half written: nothing was served
        self.tip, self._size = end.tip, end.size

    def _begin(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise cannot(error) from None
        self._take(os.O_APPEND | os.O_CREAT | os.O_EXCL)
        files.sync_folder(self.path.parent)
        self._remember()

    def _take(self, flags: int) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        try:
            self._handle = safe_open.open_file(self.path, os.O_WRONLY | flags)
        except OSError as error:
            raise cannot(error) from None
        status = os.fstat(self._handle)
        self._identity, self._size = (status.st_dev, status.st_ino), status.st_size

    # -- the remembered end --------------------------------------------------------------------------------------------

    def _end_path(self) -> Path:
        return self.path.with_name(self.path.name + ".end")

    def _remember(self) -> None:
        files.write_private(self._end_path(), f"{self.tip.seq} {self.tip.digest} {self._size}\n".encode())

    def _remembered(self) -> End | None:
        try:
            seq, digest, size = safe_open.read_file(self._end_path(), _END_BYTES).decode("ascii").split()
            return End(int(seq), digest, int(size))
        except FileNotFoundError:
            return None
        except OSError as error:
            text = (
                f"the remembered end of the access log, {self._end_path()}, cannot be read: {safe_open.reason(error)}"
            )
            raise AuditUnavailable(text, HINT) from None
        except ValueError:
            raise AuditUnavailable("the remembered end of the access log cannot be read", HINT) from None

    # -- the file's own state ------------------------------------------------------------------------------------------

    def _check_file(self) -> None:
        try:
            status = os.stat(self.path, follow_symlinks=False)
        except OSError:
            raise self._lost("the access log was deleted") from None
        if (status.st_dev, status.st_ino) != self._identity:
            raise self._lost("the access log was replaced by another file")
        if status.st_size != self._size:
            raise self._lost("the access log was changed by somebody else")
        if not status.st_mode & stat.S_IWUSR:
            raise self._lost("the access log was made read-only", _A_LOOK)

    def _lost(self, problem: str, cure: str = "") -> AuditUnavailable:
        self.problem, self._cure = problem, cure
        return AuditUnavailable(problem, HINT)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            raise self._lost(cannot(error).text, _A_WRITE) from None
        if written != len(line):
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._size)
            raise self._lost("the access log cannot be written: no space left on device", _A_WRITE)
        self._size += written
        self.tip = audit.after(self.tip, line)
        self.problem = ""
        self.unsynced = True

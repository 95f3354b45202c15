"""The access log on the disk (docs/format.md §7).

Laws: an entry is in the file before what it speaks of happens; before each entry the file itself is checked (the same
file, linked, not shrunk or grown by others, writable); when any of this fails, nothing is served until a person says
`envfs log restart`.
"""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from envfs.core import audit
from envfs.core.audit import Event, Tip
from envfs.core.policy import Caller
from envfs.errors import AuditUnavailable, LogBroken
from envfs.host import clocks, files

_HINT = "find out what happened to it, then `envfs log verify` and `envfs log restart`"


class AccessLog:
    """The log at `path`, with its end remembered beside it; one process at a time writes it."""

    def __init__(self, path: Path) -> None:
        """Open the log, or begin one where there never was one.

        The state after opening is never an exception: a log that cannot be used leaves `problem` filled.
        """
        self.path = path
        self.tip = Tip()
        self.problem = ""
        self._curable = False
        self._handle = -1
        self._identity = (0, 0)
        self._size = 0
        self._unsynced_since = 0.0
        try:
            self._open()
        except (AuditUnavailable, LogBroken) as error:
            self.problem = error.text

    def append(self, event: Event, caller: Caller | None) -> None:
        """Write one entry.

        Raises:
            AuditUnavailable: it cannot be written, or the file is not the one that this process wrote
        """
        if self.problem and not self._recovers():
            raise AuditUnavailable(self.problem, _HINT)
        self._check_file()
        self._write(audit.line(self.tip, clocks.wall(), event, caller))

    def look(self) -> str:
        """Say what is wrong with the log now, or return the empty string."""
        if not self.problem:
            with contextlib.suppress(AuditUnavailable):
                self._check_file()
        return self.problem

    def append_checkpoint(self, tip: Tip, signature: str) -> None:
        """Write the signature over `tip` if that is still the end of the log."""
        if tip == self.tip and not self.problem:
            self._check_file()
            self._write(audit.checkpoint(tip, clocks.wall(), signature))

    def sync(self) -> None:
        """Put what was written on the disk; called once a second while there is something to put."""
        if self._unsynced_since and self._handle >= 0:
            self._unsynced_since = 0.0
            try:
                os.fdatasync(self._handle)
            except OSError as error:
                self.problem = f"the access log cannot be put on the disk: {os.strerror(error.errno or 5).lower()}"

    @property
    def unsynced(self) -> bool:
        """Tell whether entries wait for `sync`."""
        return bool(self._unsynced_since)

    def lines(self, count: int = 0) -> Iterator[bytes]:
        """Yield the newest `count` lines (0: all), oldest first."""
        with self._reading() as file:
            rows = file.read().splitlines(keepends=True)
        yield from rows[-count:] if count else rows

    def verify(self) -> list[audit.Checkpoint]:
        """Follow the chain to the end that was written last; returns the checkpoints found.

        Raises:
            LogBroken: naming the first line that is wrong, or entries missing at the end
        """
        with self._reading() as file:
            entries = list(audit.walk(file))
        points = [point for _, body in entries if (point := audit.find_checkpoint(body)) is not None]
        end = entries[-1][0] if entries else Tip()
        if end != self.tip:
            raise LogBroken(f"the access log ends at entry {end.seq}, but entry {self.tip.seq} was written", _HINT)
        return points

    def restart(self, caller: Caller) -> str:
        """Set the old file aside and begin a new one whose first entry says so; returns the old file's new name."""
        aside = ""
        if self.path.exists():
            aside = f"{self.path}.{clocks.wall().replace(':', '')}"
            self.path.rename(aside)
        lost, self.tip, self.problem = self.tip, Tip(), ""
        self._remember_path().unlink(missing_ok=True)
        self._begin()
        rule = f"after entry {lost.seq} {lost.digest}"
        self.append(Event("restart", rule=rule), caller)
        return aside

    def close(self) -> None:
        """Put everything on the disk and remember where the log ended."""
        self.sync()
        if self._handle >= 0:
            if not self.problem:
                self._remember()
            os.close(self._handle)
            self._handle = -1

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        remembered = self._remembered()
        if not self.path.exists():
            if remembered is not None:
                raise AuditUnavailable(f"the access log is gone: it had {remembered.seq} entries", _HINT)
            self._begin()
            return
        self._take(os.O_APPEND)
        with self._reading() as file:
            self._follow(file.read(), remembered)

    def _follow(self, data: bytes, remembered: Tip | None) -> None:
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.ftruncate(self._handle, len(whole))  # an entry that a power cut left half written: nothing was served
            self._size = len(whole)
        reached = remembered is None or remembered == Tip()
        for tip, _ in audit.walk(whole.splitlines(keepends=True)):
            reached = reached or tip == remembered
            self.tip = tip
        if not reached and remembered is not None:
            raise AuditUnavailable(f"the access log lacks entry {remembered.seq} that was written", _HINT)

    def _begin(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _cannot(error) from None
        self._take(os.O_APPEND | os.O_CREAT | os.O_EXCL)
        files.sync_folder(self.path.parent)
        self._remember()

    def _take(self, flags: int) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        try:
            self._handle = os.open(self.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
        except OSError as error:
            raise _cannot(error) from None
        status = os.fstat(self._handle)
        self._identity, self._size = (status.st_dev, status.st_ino), status.st_size

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
            raise self._lost("the access log was made read-only", curable=True)

    def _recovers(self) -> bool:
        # a log that was read-only for a while, or on a full disk, is whole and may go on
        if not self._curable or self._handle < 0:
            return False
        try:
            self._check_file()
        except AuditUnavailable:
            return False
        self.problem = ""
        return True

    def _lost(self, problem: str, *, curable: bool = False) -> AuditUnavailable:
        self.problem, self._curable = problem, curable
        return AuditUnavailable(problem, _HINT)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            raise self._lost(_cannot(error).text, curable=True) from None
        if written != len(line):
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._size)
            raise self._lost("the access log cannot be written: no space left on device", curable=True)
        self._size += written
        self.tip = audit.after(self.tip, line)
        self._unsynced_since = self._unsynced_since or time.monotonic()

    # -- the remembered end --------------------------------------------------------------------------------------------

    def remember(self) -> None:
        """Write down where the log ends, so that a log cut short is noticed at the next start."""
        if not self.problem:
            self._remember()

    def _remember_path(self) -> Path:
        return self.path.with_name(self.path.name + ".end")

    def _remember(self) -> None:
        files.write_private(self._remember_path(), f"{self.tip.seq} {self.tip.digest}\n".encode())

    def _remembered(self) -> Tip | None:
        try:
            seq, digest = self._remember_path().read_text(encoding="ascii").split()
            return Tip(int(seq), digest)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise AuditUnavailable("the remembered end of the access log cannot be read", _HINT) from None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise _cannot(error) from None


def _cannot(error: OSError) -> AuditUnavailable:
    return AuditUnavailable(f"the access log cannot be used: {os.strerror(error.errno or 5).lower()}", _HINT)

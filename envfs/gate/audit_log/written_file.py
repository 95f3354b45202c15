"""The one file of the access log that is written: its handle, its size, and what this process wrote into it.

Laws: before each entry the file itself is checked: the same file, linked, not shrunk or grown by others, writable. A
line is in it whole or not at all.
"""

import contextlib
import hashlib
import os
import stat
import threading
from pathlib import Path

from envfs.core.audit import Tip
from envfs.errors import EnvFSError
from envfs.gate.audit_log import log_files
from envfs.gate.audit_log.log_files import LogEnd, unavailable
from envfs.gate.audit_log.log_stretch import Stretch
from envfs.host import private_files


class FileGone(EnvFSError):
    """There is no file at the log's path any more."""


class FileIsAnother(EnvFSError):
    """The file is another one, or another program changed it."""


class ReadOnly(EnvFSError):
    """The file may not be written, by its mode."""


class CannotWrite(EnvFSError):
    """A line could not be written, and nothing of it is in the file."""


class WrittenFile:
    """The file at `path`, as this process opened it. `size` is where it ends, as far as it was written or read here."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self.path = path
        self._name = str(path)  # to make it of a path again costs a tenth of a look
        self.size = 0
        self.is_unsynced = False
        self._syncing = threading.Lock()
        self._failed: OSError | None = None
        self._handle = -1
        self._identity = (0, 0)
        self._sure = 0
        self._since = hashlib.sha256()  # over what this process wrote from byte `_sure` on

    @property
    def is_open(self) -> bool:
        """Tell whether there is a handle on it."""
        return self._handle >= 0

    def open(self, flags: int = os.O_APPEND) -> None:
        """Open the file, and take its size as it is.

        Raises:
            AuditUnavailable: it cannot be opened, or is not to be trusted
        """
        self.close()
        self._failed = None
        self._handle = log_files.open_part(self.path, os.O_WRONLY | flags)
        status = os.fstat(self._handle)
        self._identity, self.size = (status.st_dev, status.st_ino), status.st_size

    def create(self) -> None:
        """Make the file, which must not be there, and those folders above it that are missing.

        Raises:
            AuditUnavailable: it cannot be made
        """
        try:
            private_files.make_folder(self.path.parent)
            self.open(os.O_APPEND | os.O_CREAT | os.O_EXCL)
            private_files.sync_folder(self.path.parent)
            private_files.sync_above(self.path.parent)  # whoever took the lock before may have made it
        except OSError as error:
            raise unavailable(error) from None
        self._sure, self._since = 0, hashlib.sha256()

    def begin_at(self, size: int) -> None:
        """Go on at byte `size`, up to which the chain was followed. Bytes behind it are cut off."""
        if size < self.size:
            os.ftruncate(self._handle, size)
        self.size = self._sure = size

    def check(self) -> None:
        """See whether it is the file that this process wrote.

        Raises:
            FileGone, FileIsAnother, ReadOnly: it is not
        """
        try:
            status = os.stat(self._name, follow_symlinks=False)
        except OSError:
            raise FileGone("the access log was deleted") from None
        if (status.st_dev, status.st_ino) != self._identity:
            raise FileIsAnother("the access log was replaced by another file")
        if status.st_size != self.size:
            raise FileIsAnother("another program changed the access log")
        if not status.st_mode & stat.S_IWUSR:
            raise ReadOnly("the access log was made read-only")

    def write(self, line: bytes) -> None:
        """Add one line.

        Raises:
            CannotWrite: it is not in the file
        """
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            raise CannotWrite(unavailable(error).text) from None
        if written != len(line):
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.size)
            raise CannotWrite("the access log cannot be written: no space left on device")
        self.size += written
        self._since.update(line)
        self.is_unsynced = True

    def sync(self) -> None:
        """Put what was written on the disk. Raises OSError if that fails: nobody knows then which lines are there.

        A thread may do it. A second caller waits for the first one's end, since lines of the second may be among these.
        """
        with self._syncing:
            if self._failed is not None:
                raise self._failed
            if self.is_unsynced and self.is_open:
                self.is_unsynced = False
                try:
                    os.fdatasync(self._handle)
                except OSError as error:
                    self._failed = error
                    raise

    def stretch(self, tip: Tip, record: int) -> Stretch:
        """Return what this process wrote since the last time that it was asked, to be compared with the file."""
        end = LogEnd(tip.seq, tip.digest, self.size, record)
        done = Stretch(self.path, self._identity, self._sure, end, self._since.digest())
        self._sure, self._since = self.size, hashlib.sha256()
        return done

    def close(self) -> None:
        """Let go of the file."""
        if self.is_open:
            os.close(self._handle)
            self._handle = -1

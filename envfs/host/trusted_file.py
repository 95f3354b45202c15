"""A file that says who may do what: read again whenever it is another file than before, and trusted only if it can be.

Law: what is judged and what is read is one file, whatever happens to its name meanwhile.
"""

import errno
import os
import time
from pathlib import Path

from envfs import safe_open
from envfs.errors import UnsafeSettings
from envfs.host import private_files

_TRUSTED_NS = 1_000_000  # a look this fresh is not repeated: one open asks many times
LARGEST = 4 << 20  # of a file that is read


class TrustedFile:
    """The file at `path`, which is called `what` in messages."""

    def __init__(self, path: Path, what: str) -> None:
        """Use `path`, which need not exist."""
        self.path = path
        self._name = str(path)
        self._what = what
        self._stamp: tuple[int, ...] | None = None
        self._seen: tuple[int, ...] | None = None
        self._looked_ns = 0

    def changed(self) -> bool:
        """Tell whether the file may be another one than when `confirm` was called. One `stat` in a millisecond.

        Raises:
            UnsafeSettings: it cannot be looked at
        """
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns < _TRUSTED_NS and self._stamp is not None:
            return False
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = None
            self._seen = stamp
            return True
        self._looked_ns = now_ns
        return False

    @property
    def trusted_until_ns(self) -> int:
        """Until when the last look is not repeated, by the monotonic clock. 0: there is none."""
        return self._looked_ns + _TRUSTED_NS if self._stamp is not None else 0

    def confirm(self) -> None:
        """Note that the file was read, and is good, as it was at the last look."""
        self._stamp, self._looked_ns = self._seen, time.monotonic_ns()

    def forget(self) -> None:
        """Look again at the next question: this process has written the file."""
        self._stamp = None

    def read(self) -> bytes:
        """Return the content. Empty for a file that is not there.

        Raises:
            UnsafeSettings: others could have written it
        """
        try:
            handle = safe_open.open_file(self.path, follow=True)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._cannot_read(error) from None
        try:
            reason = private_files.unsafe(os.fstat(handle))
            data = b"" if reason else safe_open.read_handle(handle, LARGEST)
        except OSError as error:
            raise self._cannot_read(error) from None
        finally:
            os.close(handle)
        if reason:
            raise UnsafeSettings(
                f"the {self._what} {self.path} is not trusted: {reason}",
                f"check it, then: chown {os.geteuid()} {self.path} && chmod 600 {self.path}",
            )
        return data

    def wrong(self, reason: str) -> UnsafeSettings:
        """Say what is wrong with the content."""
        return UnsafeSettings(
            f"the {self._what} {self.path} is wrong: {reason}", "fix it; until then all access is denied"
        )

    def _look(self) -> tuple[int, ...]:
        try:
            status = os.stat(self._name)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._cannot_read(error) from None
        return (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)

    def _cannot_read(self, error: OSError) -> UnsafeSettings:
        text = f"the {self._what} {self.path} cannot be read: {safe_open.error_words(error)}"
        odd = isinstance(error, (safe_open.NotRegular, safe_open.OverLimit)) or error.errno == errno.ELOOP
        return UnsafeSettings(text, f"look at it, then move it away: mv {self.path} {self.path}.odd" if odd else "")

"""The lines worth recalling, in a file of the user's own.

Law: only whole lines that parsed come in, by `remember` alone. Nothing that the line editor or a hidden entry saw.
"""

import os
from contextlib import suppress

from envfs import safe_open
from envfs.dotenv.placeholders.redaction import redact_credentials

_KEPT = 1000
_FILE_BYTES = 1 << 20


class History:
    """The newest lines, the oldest first, in `lines`. Without a folder for the file, for this session only."""

    def __init__(self, path: str) -> None:
        """Read what the file at `path` holds."""
        self._path = path
        text = self._read()
        self.lines = text.splitlines()[-_KEPT:]
        if len(text) > _FILE_BYTES // 2:
            self._shorten()

    def remember(self, line: str, *, on_disk: bool = True) -> None:
        """Add a line, unless it is the newest already, could not be shown as it is, or has a credential in it.

        `on_disk` for longer than now.
        """
        line = line.strip()
        if not line.isprintable() or self.lines[-1:] == [line] or redact_credentials(line) != line:
            return
        self.lines.append(line)
        if on_disk:
            self._append(f"{line}\n")

    def _read(self) -> str:
        try:
            return safe_open.read_file(self._path, _FILE_BYTES).decode(errors="replace")
        except OSError:
            return ""

    def _append(self, text: str) -> None:
        with suppress(OSError):
            handle = safe_open.open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                os.fchmod(handle, 0o600)
                os.write(handle, text.encode())
            finally:
                os.close(handle)

    def _shorten(self) -> None:
        fresh = f"{self._path}.new"
        with suppress(OSError):
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write("".join(f"{line}\n" for line in self.lines).encode())
            os.rename(fresh, self._path)

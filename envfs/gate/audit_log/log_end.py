"""Where the access log ended, remembered in a file beside it: a line of numbers that is replaced whole.

Laws: what it names is on the disk before it is written. A file that is no such line is a fault with a name.
"""

import re
from pathlib import Path

from envfs.core import audit
from envfs.errors import AuditUnavailable
from envfs.gate.audit_log.log_files import HINT, LogEnd, open_part
from envfs.host import private_files
from envfs.host.private_files import read_at_most

_LINE = re.compile(r"(\d{1,18}) ([0-9a-f]{64}) (\d{1,18})(?: (\d{1,18}))?\n", re.ASCII)
_BYTES = 256


def path_of(log: Path) -> Path:
    """Return where the end of the log at `log` is remembered."""
    return log.with_name(log.name + ".end")


def write_log_end(log: Path, end: LogEnd) -> None:
    """Remember the end.

    Raises:
        StoreUnavailable: it cannot be written
    """
    private_files.write_private(path_of(log), f"{end.seq} {end.digest} {end.size} {end.record}\n".encode())


def read_log_end(log: Path) -> LogEnd | None:
    """Return the remembered end, or None if there is none.

    Raises:
        AuditUnavailable: the file cannot be read, or does not hold one
    """
    path = path_of(log)
    if not path.is_symlink() and not path.exists():
        return None
    try:
        match = _LINE.fullmatch(read_at_most(open_part(path), _BYTES).decode("ascii", errors="replace"))
    except AuditUnavailable as error:
        raise AuditUnavailable(f"{path.name}, the remembered end of the log: {error.text}", HINT) from None
    if match is None or (match[1] == "0") != (match[2] == audit.START):
        raise AuditUnavailable("the remembered end of the access log cannot be read", HINT)
    return LogEnd(int(match[1]), match[2], int(match[3]), int(match[4] or 0))

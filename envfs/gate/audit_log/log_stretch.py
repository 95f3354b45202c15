"""The access log's stretch of one process, to be compared with what the file has, before that is signed."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from envfs.errors import AuditUnavailable
from envfs.gate.audit_log import log_files
from envfs.gate.audit_log.log_files import LogEnd

_BLOCK = 1 << 18


class Stretch(NamedTuple):
    """The bytes from `start` to the end: in which file (device, inode), and their SHA-256 as they were written."""

    path: Path
    identity: tuple[int, int]
    start: int
    end: LogEnd
    digest: bytes

    def problem(self) -> str:
        """Read the file. Say what is wrong with it, or return the empty string."""
        try:
            handle = log_files.open_part(self.path)
        except AuditUnavailable as error:
            return error.text
        try:
            status = os.fstat(handle)
            if (status.st_dev, status.st_ino) != self.identity:
                return "the access log was replaced by another file"
            if _digest(handle, self.start, self.end.size) != self.digest:
                return "another program changed the access log"
        finally:
            os.close(handle)
        return ""


def _digest(handle: int, at: int, end: int) -> bytes:
    done = hashlib.sha256()
    while at < end and (block := os.pread(handle, min(_BLOCK, end - at), at)):
        done.update(block)
        at += len(block)
    return done.digest()

"""The SHA-256 of files that processes run, read once for each state of a file.

Laws: only a regular file is read, and never more of it than a bound. A digest is kept by all that changes when the
file does: device, inode, size, times, and the mount, so that a device's number that is given again names nothing old.
A time is as fine as a tick of the kernel's clock: what was read of a file within that after a change is not kept.
A large file is read by a thread, outside of the loop that answers everybody.
"""

import hashlib
import os
import stat
import time
from functools import partial

from envfs.core import limits
from envfs.host.evidence.file_identity import FileIdentity, identify_file
from envfs.host.evidence.unfinished import Unfinished

_AT_ONCE = 512 << 10  # so much takes a millisecond
_PIECE = 1 << 20
_KEPT = 512
_TICKS_NS = 20_000_000  # two of the longest, and before Linux 6.13 two changes within one have one time
_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Digests:
    """Keeps the digests of the last files."""

    def __init__(self) -> None:
        """Start with none."""
        self._digests: dict[FileIdentity, str] = {}

    def digest(self, folder: int, name: str, identity: FileIdentity) -> str:
        """Return the digest of a file in hexadecimal, empty if it has none. `identity` is what it was seen to be.

        Raises:
            Unfinished: it is large, and not read yet
        """
        digest = self._digests.get(identity)
        if digest is not None:
            return digest
        if not stat.S_ISREG(identity.mode) or identity.size > limits.PROGRAM_BYTES:
            return ""
        try:
            handle = os.open(name, _READING, dir_fd=folder)
        except OSError:
            return ""
        if identity.size > _AT_ONCE:
            raise Unfinished(partial(self._read_later, handle, identity), partial(os.close, handle))
        try:
            return self._read(handle, identity)
        finally:
            os.close(handle)

    def _read_later(self, handle: int, identity: FileIdentity) -> None:
        if _is_fresh(identity):
            time.sleep(2 * _TICKS_NS / 1e9)
        self._read(handle, identity)

    def _read(self, handle: int, identity: FileIdentity) -> str:
        is_fresh = _is_fresh(identity)  # before it is read: what is written then has another time, or is read
        try:
            digest = _digest(handle, identity)
        except OSError:
            digest = ""
        if is_fresh:
            return digest
        if len(self._digests) >= _KEPT:
            self._digests.pop(next(iter(self._digests)), None)
        self._digests[identity] = digest  # without one too: it is not read again as long as it is the same
        return digest


def _is_fresh(identity: FileIdentity) -> bool:
    return abs(time.time_ns() - identity.changed_ns) < _TICKS_NS  # the clock may have been put back since


def _digest(handle: int, identity: FileIdentity) -> str:
    # empty for another file than the one that was seen, and for one that changes meanwhile
    if identify_file(handle) != identity:
        return ""
    content, size = hashlib.sha256(), 0
    while size <= identity.size and (piece := os.read(handle, _PIECE)):
        size += len(piece)
        content.update(piece)
    is_unchanged = size == identity.size and identify_file(handle) == identity
    return content.hexdigest() if is_unchanged else ""

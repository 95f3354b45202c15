"""The content of a program by its path, as a rule pins it."""

import hashlib
import os
import stat

from envfs import safe_open
from envfs.core import limits

_CHUNK = 1 << 20
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def digest_at(path: str) -> str:
    """Return the SHA-256 of the file at a path, in hex. Empty if it is no file, cannot be read, or is too large."""
    try:
        return _digest(safe_open.open_file(path, follow=True))
    except OSError:
        return ""


def digest_for_all(path: str) -> str:
    """As `digest_at`, of a file that every user may read. Of any other file it tells nothing."""
    try:
        return _digest(_open_for_all(os.path.realpath(path, strict=True)))
    except OSError:
        return ""


def _open_for_all(path: str) -> int:
    # step by step, so that none of them leads elsewhere once it was looked at
    *folders, name = path.split("/")
    folder = os.open("/", _FOLDER)
    try:
        for step in folders[1:]:
            inner = os.open(step, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
            _check_mode(folder, stat.S_IXOTH)
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _check_mode(handle, stat.S_IROTH)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PermissionError
    except OSError:
        os.close(handle)
        raise
    return handle


def _check_mode(handle: int, bit: int) -> None:
    if not os.fstat(handle).st_mode & bit:
        raise PermissionError


def _digest(handle: int) -> str:
    try:
        if os.fstat(handle).st_size > limits.PROGRAM_BYTES:
            return ""
        digest, size = hashlib.sha256(), 0
        while chunk := os.read(handle, _CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if size > limits.PROGRAM_BYTES:
                return ""
        return digest.hexdigest()
    finally:
        os.close(handle)

"""The content of a program by its path, as a rule pins it."""

import hashlib
import os
import stat

from envfs import safe_open
from envfs.core import limits

_CHUNK = 1 << 20


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
    folder = _open_folder("/")
    try:
        for step in folders[1:]:
            inner = _open_folder(step, folder)
            os.close(folder)
            folder = inner
            _check_mode(folder, stat.S_IXOTH)
        handle = safe_open.open_file(f"/proc/self/fd/{folder}/{name}")
    finally:
        os.close(folder)
    try:
        _check_mode(handle, stat.S_IROTH)
    except OSError:
        os.close(handle)
        raise
    return handle


def _open_folder(path: str, inside: int | None = None) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=inside)


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

"""The content of a program by its path, as a rule pins it."""

import hashlib
import os

from envfs import safe_open
from envfs.core import limits

_CHUNK = 1 << 20


def digest_at(path: str) -> str:
    """Return the SHA-256 of the file at a path, in hex. Empty if it is no file, cannot be read, or is too large."""
    try:
        handle = safe_open.open_file(path, follow=True)
    except OSError:
        return ""
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
    except OSError:
        return ""
    finally:
        os.close(handle)

"""Private files: written whole or not at all, read only when nobody else could have written them.

Law: whatever stands at a temporary name, a FIFO as well, is removed and never opened.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from envfs import safe_open
from envfs.errors import StoreUnavailable


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file by `data`, so that a power cut leaves the old one or the new one.

    One process at a time does this in a home: who is killed on the way leaves a file that the next one removes.

    Raises:
        StoreUnavailable: it cannot be written
    """
    temporary = _temporary(path)
    try:
        make_folder(path.parent)
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Give a descriptor of what is to take the place of a file, for somebody else to write. If nobody does, it stays.

    Raises:
        StoreUnavailable: it cannot be written
    """
    temporary = _temporary(path)
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            yield handle
            os.fsync(handle)
            if os.fstat(handle).st_size:
                temporary.replace(path)
        finally:
            os.close(handle)
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from None


def replace_secret(path: Path, data: bytes) -> None:
    """As `write_private`, and what stood there is overwritten, as far as the disk does what it is told.

    Raises:
        StoreUnavailable: it cannot be written
    """
    try:
        old = safe_open.open_file(path, os.O_WRONLY)
        try:
            write_private(path, data)
            overwrite(old)
        finally:
            os.close(old)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> StoreUnavailable:
    """Say that a private file cannot be written, and what stands in the way."""
    blocked = _blocked(path, error)
    if blocked:
        return StoreUnavailable(f"cannot write {path}: {blocked[1]}", f"move {blocked[0]} away, and try again")
    return StoreUnavailable(f"cannot write {path}: {safe_open.error_words(error)}")


def _blocked(path: Path, error: OSError) -> tuple[Path, str] | None:
    # what has no place there can be moved away. A full disk and a missing right cannot
    if isinstance(error, safe_open.NotRegular):
        return path, safe_open.error_words(error)
    for place in (path, _temporary(path)):
        if place.is_dir():
            return place, f"{place} is a folder"
    for folder in path.parents:
        if os.path.lexists(folder) and not folder.is_dir():
            return folder, f"{folder} is not a folder"
    return None


def read_at_most(handle: int, count: int) -> bytes:
    """Read an open file from its start, at most `count` bytes, and close it."""
    try:
        return os.pread(handle, count, 0)
    except OSError:
        return b""
    finally:
        os.close(handle)


def drop_unfinished(path: Path) -> None:
    """Remove what somebody who was killed while replacing a file left beside it."""
    with contextlib.suppress(OSError):
        _temporary(path).unlink()


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def overwrite(handle: int) -> None:
    """Overwrite an open file with zeros, for one whose name is gone already."""
    unwritten = memoryview(bytes(os.fstat(handle).st_size))
    while unwritten:
        unwritten = unwritten[os.write(handle, unwritten) :]
    os.fsync(handle)


def make_passable(path: Path) -> None:
    """Make a folder and those above it that are missing. Others may pass through them and list nothing."""
    if path.is_dir():
        return
    make_passable(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(0o711)  # whatever this process's umask is
    sync_above(path)


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, for this user alone. They are on the disk afterwards."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True, mode=0o700)
    sync_above(path)


def sync_above(path: Path) -> None:
    """Put a folder's own name on the disk."""
    with contextlib.suppress(PermissionError):  # a folder of others that may be passed and not read
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put a folder's entries on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unsafe(status: os.stat_result, private: bool = False) -> str:
    """Say why a file must not be trusted, or return the empty string.

    A trusted file is a regular file of this process's user that nobody else may write. A private one is also unreadable
    to others.
    """
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    if status.st_uid != os.geteuid():
        return f"it belongs to uid {status.st_uid}, not to uid {os.geteuid()}"
    if status.st_mode & (0o077 if private else 0o022):
        return f"its mode is {stat.S_IMODE(status.st_mode):04o}"
    return ""

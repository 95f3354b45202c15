"""Files that a command reads or writes because it was asked to."""

import os

from envfs.errors import AlreadyExists, EnvFSError, TooLarge
from envfs_cli import output


def read_text(path: str, limit: int) -> str:
    """Read a file of at most `limit` bytes.

    Raises:
        TooLarge: it is longer
        EnvFSError: it cannot be read, or is no text
    """
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise TooLarge(f"{path} is too long", f"at most {limit} bytes are read")
        return data.decode()
    except UnicodeDecodeError:
        raise EnvFSError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise EnvFSError(f"cannot read {path}: {os.strerror(error.errno or 5).lower()}") from None


def write_new(path: str, data: bytes) -> None:
    """Write a new file that its owner alone can read, and say that it holds secrets.

    Raises:
        AlreadyExists: there is one
        EnvFSError: it cannot be written
    """
    handle = _open_new(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        os.unlink(path)
        raise EnvFSError(f"cannot write {path}: {os.strerror(error.errno or 5).lower()}") from None
    output.note(f"{path} now holds values in the open; remove it when it is not needed any more")


def check_new(path: str) -> None:
    """Find out whether a new file can be written, before there is something to write.

    Raises:
        AlreadyExists: there is one
        EnvFSError: it cannot be written
    """
    os.close(_open_new(path))
    os.unlink(path)


def _open_new(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise AlreadyExists(f"there is a file already at {path}", "nothing is replaced; remove it first") from None
    except OSError as error:
        raise EnvFSError(f"cannot write {path}: {os.strerror(error.errno or 5).lower()}") from None

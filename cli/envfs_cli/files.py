"""Files that a command reads or writes because it was asked to.

A path that a person names may be a FIFO, a terminal or `/dev/stdin`: these are read as `cat` reads them, until Ctrl-C.
One wait has an end: a FIFO into which nobody is going to write.
"""

import os
import stat

from envfs import safe_open
from envfs.errors import AlreadyExists, EnvFSError, TimedOut, TooLarge
from envfs_cli import output

_WRITER_SECONDS = 5
_CHUNK = 1 << 16
_DIGITS = 10  # fewer, as a descriptor has


def open_input(path: str) -> "tuple[int, bytes]":
    """Open what a person named for reading. Return its descriptor and what was read from it already.

    Raises:
        TimedOut: it is a FIFO, and nothing opens it for writing
        OSError: it cannot be opened, or is a folder or a socket
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        return _inherited(path, error), b""
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise safe_open.NotRegular(safe_open.kind_of(os.fstat(handle)))
        if stat.S_ISREG(mode):
            return handle, b""
        first = _first_piece(handle, path) if stat.S_ISFIFO(mode) else b""
        os.set_blocking(handle, True)
    except BaseException:
        os.close(handle)
        raise
    return handle, first


def cannot_read(path: str, error: OSError) -> EnvFSError:
    """Say that a file which a person named cannot be read."""
    hint = "name a file" if isinstance(error, safe_open.NotRegular) else ""
    return EnvFSError(f"cannot read {path}: {safe_open.error_words(error)}", hint)


def _inherited(path: str, refused: OSError) -> int:
    # a socket, or a file that only the caller's caller may open, has a descriptor all the same
    folder, _, number = path.replace("/dev/stdin", "/dev/fd/0").rpartition("/")
    if folder in ("/dev/fd", "/proc/self/fd") and number.isascii() and number.isdigit() and len(number) < _DIGITS:
        return os.dup(int(number))
    safe_open.raise_kind(path, follow=True)
    raise refused


def _first_piece(handle: int, path: str) -> bytes:
    import select

    poller = select.poll()
    poller.register(handle, select.POLLIN)
    if poller.poll(_WRITER_SECONDS * 1000):
        return b""
    try:
        piece = os.read(handle, 1)
    except BlockingIOError:
        return b""  # there is a writer, who takes his time
    if not piece:
        raise TimedOut(f"cannot read {path}: it is a FIFO, and nothing writes into it", "name a file")
    return piece


def read_text(path: str, limit: int) -> str:
    """Read a file of at most `limit` bytes.

    Raises:
        TooLarge: it is longer
        EnvFSError: it cannot be read, or is no text
    """
    try:
        source, data = open_input(path)
        try:
            while len(data) <= limit and (piece := os.read(source, _CHUNK)):
                data += piece
        finally:
            os.close(source)
    except OSError as error:
        raise cannot_read(path, error) from None
    if len(data) > limit:
        raise TooLarge(f"{path} is too long", f"at most {limit} bytes are read")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise EnvFSError(f"{path} is not UTF-8 text") from None


def write_new(path: str, data: bytes) -> None:
    """Write a new file that its owner alone can read, and say that it holds secrets.

    Raises:
        AlreadyExists: there is one
        EnvFSError: it cannot be written
    """
    handle = open_new(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        os.unlink(path)
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None
    output.note(f"{path} now holds unencrypted values; remove it when you no longer need it")


def check_new(path: str) -> None:
    """Find out whether a new file can be written, before there is something to write.

    Raises:
        AlreadyExists: there is one
        EnvFSError: it cannot be written
    """
    os.close(open_new(path))
    os.unlink(path)


def open_new(path: str) -> int:
    """Create a file that its owner alone can read, and return its descriptor.

    Raises:
        AlreadyExists: there is one
        EnvFSError: it cannot be written
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise AlreadyExists(f"there is a file already at {path}", "nothing is replaced; remove it first") from None
    except OSError as error:
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None

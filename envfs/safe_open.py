"""The one way to open a file that came from outside: a path at which somebody else may have put anything.

Laws: no call here waits for a FIFO, a device, a terminal or a lease. Anything but a regular file is refused by its
kind. Never more than a limit is read. Every failure is an OSError, and `reason` puts it into words. The client imports
this on its way to `exec`, so it needs no more than the interpreter has loaded at its start.
"""

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_Path = str | os.PathLike[str]
_ALWAYS = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHUNK, _SPARE = 1 << 20, 1 << 12
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
}
_OF_KIND = (errno.ENXIO, errno.EISDIR, errno.ELOOP)  # how `open` refuses a socket, a folder, a link


class NotRegular(OSError):
    """There is something at the path, and it is not a regular file."""

    def __init__(self, kind: str) -> None:
        """Name the kind: `a FIFO`."""
        super().__init__(errno.EINVAL, f"it is {kind}, not a regular file")


class OverLimit(OSError):
    """A file, or a line of one, has more bytes than its reader takes."""

    def __init__(self, limit: int, what: str = "it") -> None:
        """Name the limit, in bytes."""
        super().__init__(errno.EFBIG, f"{what} is over {limit} bytes")


def open_file(path: _Path, flags: int = os.O_RDONLY, mode: int = 0o600, *, follow: bool = False) -> int:
    """Open a regular file and return its descriptor. With O_CREAT it is created if there is none.

    `follow` allows the path itself to be a symbolic link.

    Raises:
        NotRegular: there is another kind of thing at the path
        OSError: it cannot be opened
    """
    try:
        handle = os.open(path, flags | _ALWAYS | (0 if follow else os.O_NOFOLLOW), mode)
    except OSError as error:
        if error.errno in _OF_KIND:
            raise_kind(path, follow=follow)
        raise
    try:
        check_regular(os.fstat(handle))
    except OSError:
        os.close(handle)
        raise
    return handle


def read_file(path: _Path, limit: int, *, follow: bool = False) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises:
        NotRegular: there is another kind of thing at the path
        OverLimit: it is longer
        OSError: it cannot be read
    """
    handle = open_file(path, follow=follow)
    try:
        return read_handle(handle, limit)
    finally:
        os.close(handle)


def read_handle(handle: int, limit: int) -> bytes:
    """Read an open file from where it stands to its end.

    Raises:
        OverLimit: there are more than `limit` bytes, or its size says so already
        OSError: it cannot be read
    """
    expected = os.fstat(handle).st_size
    if expected > limit:
        raise OverLimit(limit)
    chunks, size = [], 0
    # not much more room than that: large pieces of memory are taken from the kernel and given back, one by one
    while chunk := os.read(handle, min(_CHUNK, limit + 1 - size, max(expected - size, 0) + _SPARE)):
        size += len(chunk)
        if size > limit:  # it grows while it is read
            raise OverLimit(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def read_lines(file: "BinaryIO", longest: int) -> "Iterator[bytes]":
    """Yield the lines of an open file, which may be of any size, with their line feeds.

    Raises:
        OverLimit: a line has more than `longest` bytes
    """
    while line := file.readline(longest + 1):
        if len(line) > longest:
            raise OverLimit(longest, "a line of it")
        yield line


def check_regular(status: os.stat_result) -> None:
    """Refuse anything but a regular file.

    Raises:
        NotRegular: it is something else
    """
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(kind_of(status))


def raise_kind(path: _Path, *, follow: bool) -> None:
    """Refuse what stands at a path if it can be looked at and is not a regular file.

    Raises:
        NotRegular: it is something else
    """
    try:
        status = os.stat(path, follow_symlinks=follow)
    except OSError:
        return
    check_regular(status)


def kind_of(status: os.stat_result) -> str:
    """Name the kind of a thing that is not a regular file: `a FIFO`."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something else")


def error_words(error: OSError) -> str:
    """Say in words why a file could not be used, for the end of a sentence."""
    if error.errno == errno.ENOTCONN:
        return "the file system that it is on has ended (transport endpoint is not connected)"
    text = error.strerror or os.strerror(errno.EIO)
    return text[:1].lower() + text[1:]

"""Secrets on their way to the daemon: asked for without showing them, kept in a piece of memory with a descriptor."""

import os
import sys

from envfs.core import limits
from envfs.errors import EnvFSError, TooLarge, WrongPassphrase
from envfs_cli import terminal

_CHUNK = 1 << 16


def from_bytes(data: bytes) -> int:
    """Put bytes into memory that only its descriptor names."""
    handle = os.memfd_create("envfs", os.MFD_CLOEXEC)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    return handle


def from_file(path: str, what: str, limit: int, slack: int = 0) -> int:
    """Copy a file (`-`: standard input) into such memory; `slack` bytes over the limit are for others to judge.

    Raises:
        EnvFSError: it cannot be read
        TooLarge: it is over `limit` bytes
    """
    if path == "-" and sys.stdin is None:
        raise EnvFSError("standard input is closed", "pipe something in, or name a file")
    try:
        source = 0 if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise EnvFSError(f"cannot read {path}: {os.strerror(error.errno or 5).lower()}") from None
    try:
        return _copy(source, what, limit, slack)
    except OSError as error:
        raise EnvFSError(f"cannot read {path}: {os.strerror(error.errno or 5).lower()}") from None
    finally:
        if source:
            os.close(source)


def _copy(source: int, what: str, limit: int, slack: int) -> int:
    handle, size = os.memfd_create("envfs", os.MFD_CLOEXEC), 0
    try:
        while chunk := os.read(source, _CHUNK):
            size += len(chunk)
            if size > limit + slack:
                raise TooLarge(f"{what} is too large", f"at most {limit} bytes")
            os.write(handle, chunk)
    except (OSError, TooLarge):
        os.close(handle)
        raise
    return handle


def passphrase(file: "str | None", *, new: bool = False) -> int:
    """Return the passphrase in a descriptor: from a file, or asked for at the terminal (twice when it is new)."""
    file = file or os.environ.get("ENVFS_PASSPHRASE_FILE")
    if file:
        return from_file(file, "the passphrase", limits.FRAME_BYTES)
    if new:
        first = terminal.ask_hidden("new passphrase: ")
        if first != terminal.ask_hidden("the same again: "):
            raise WrongPassphrase("the two passphrases differ", "nothing was made; try again")
    else:
        first = terminal.ask_hidden("passphrase: ")
    return from_bytes(first.reveal().encode())


def value(name: str, file: "str | None") -> "tuple[int, bool]":
    """Return a value in a descriptor, and whether one final line end is to be dropped from it."""
    if file is not None and file != "-":
        return from_file(file, "the value", limits.VALUE_BYTES), False
    if file == "-" or sys.stdin is None or not sys.stdin.isatty():
        return from_file("-", "the value", limits.VALUE_BYTES, limits.LINE_END_BYTES), True
    return from_bytes(terminal.ask_hidden(f"value of {name}: ").reveal().encode()), False

"""Secrets on their way to the daemon: asked for without showing them, kept in a piece of memory with a descriptor."""

import os
import sys

from envfs.core import limits
from envfs.errors import EnvFSError, TooLarge, WrongPassphrase
from envfs_cli import files, strength, terminal

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
        source, first = (0, b"") if path == "-" else files.open_input(path)
    except OSError as error:
        raise files.cannot_read(path, error) from None
    try:
        return _copy(source, first, what, limit, slack)
    except OSError as error:
        raise files.cannot_read(path, error) from None
    finally:
        if path != "-":
            os.close(source)


def _copy(source: int, first: bytes, what: str, limit: int, slack: int) -> int:
    handle, size = os.memfd_create("envfs", os.MFD_CLOEXEC), 0
    try:
        while chunk := first or os.read(source, _CHUNK):
            first = b""
            size += len(chunk)
            if size > limit + slack:
                raise TooLarge(f"{what} is too large", f"at most {limit} bytes")
            os.write(handle, chunk)
    except (OSError, TooLarge):
        os.close(handle)
        raise
    return handle


def passphrase(file: "str | None", project: str = "") -> int:
    """Return the passphrase of the vault, or of a project, in a descriptor: from a file, or asked for."""
    file = file or os.environ.get(_environment(project))
    if file:
        return from_file(file, "the passphrase", limits.FRAME_BYTES)
    return from_bytes(terminal.ask_hidden(f"passphrase{_of(project)}: ").reveal().encode())


def new_passphrase(file: "str | None", project: str = "") -> int:
    """Return a new passphrase in a descriptor, from a file or asked for twice; says what it is worth.

    Raises:
        WrongPassphrase: the two that were typed differ, or a weak one was thought better of
    """
    if file:
        handle = from_file(file, "the passphrase", limits.FRAME_BYTES)
        strength.judge(os.pread(handle, limits.FRAME_BYTES, 0).decode(errors="replace").removesuffix("\n"))
        return handle
    first = terminal.ask_hidden(f"new passphrase{_of(project)}: ")
    if first != terminal.ask_hidden("the same again: "):
        raise WrongPassphrase("the two passphrases differ", "nothing was changed; try again")
    if strength.judge(first.reveal()) and not terminal.confirm("use it all the same?"):
        raise WrongPassphrase("the passphrase was not used, so nothing was changed", "try a longer one")
    return from_bytes(first.reveal().encode())


def _environment(project: str) -> str:
    return "ENVFS_PROJECT_PASSPHRASE_FILE" if project else "ENVFS_PASSPHRASE_FILE"


def _of(project: str) -> str:
    return f" of {project}" if project else ""


def value(name: str, file: "str | None") -> "tuple[int, bool]":
    """Return a value in a descriptor, and whether one final line end is to be dropped from it."""
    if file is not None and file != "-":
        return from_file(file, "the value", limits.VALUE_BYTES), False
    if file == "-" or sys.stdin is None or not sys.stdin.isatty():
        return from_file("-", "the value", limits.VALUE_BYTES, limits.LINE_END_BYTES), True
    return from_bytes(terminal.ask_hidden(f"value of {name}: ").reveal().encode()), False

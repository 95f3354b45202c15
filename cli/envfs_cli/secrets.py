"""Secrets on their way to the daemon: asked for without showing them, kept in a piece of memory with a descriptor."""

import os
import sys
from contextlib import suppress

from envfs import safe_open
from envfs.core import limits, passphrases
from envfs.errors import EnvFSError, TooLarge, WrongPassphrase
from envfs_cli import files, output, passphrase_strength
from envfs_cli.terminal import prompts

TRIES = 3  # of a person, before a command gives up
_CHUNK = 1 << 16
NAME_A_FILE = "name a file that holds the passphrase with --passphrase-file"
_PASSPHRASE = "the passphrase"


def from_bytes(data: bytes) -> int:
    """Put bytes into memory that only its descriptor names.

    Raises:
        EnvFSError: a limit of this process does not allow that
    """
    handle = os.memfd_create("envfs", os.MFD_CLOEXEC)
    unwritten = memoryview(data)
    try:
        while unwritten:
            unwritten = unwritten[os.write(handle, unwritten) :]
    except OSError as error:
        os.close(handle)
        raise EnvFSError(f"no room in memory: {safe_open.error_words(error)}", "look at `ulimit -f`") from None
    return handle


def from_file(path: str, what: str, limit: int, slack: int = 0) -> int:
    """Copy a file (`-`: standard input) into such memory. `slack` bytes over the limit are for others to judge.

    Raises:
        EnvFSError: it cannot be read
        TooLarge: it is over `limit` bytes
    """
    if path == "-" and sys.stdin is None:
        raise EnvFSError("standard input is closed", "pipe something in, or name a file")
    try:
        source, first = (0, b"") if path == "-" else files.open_input(path)
    except OSError as error:
        raise _cannot_read(path, what, error) from None
    try:
        return _copy(source, first, what, limit, slack)
    except OSError as error:
        raise _cannot_read(path, what, error) from None
    finally:
        if path != "-":
            os.close(source)


def _cannot_read(path: str, what: str, error: OSError) -> EnvFSError:
    # the path may be the secret itself, given by mistake: a message names it only if there is such a file
    if os.path.lexists(path):
        return files.cannot_read(path, error)
    return EnvFSError(f"cannot read {what}: {safe_open.error_words(error)}")


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


def passphrase_descriptor(file: "str | None", project: str = "", why: str = "") -> int:
    """Return the passphrase of the vault, or of a project, in a descriptor: from a file, or asked for.

    A person who is asked is told `why` before.
    """
    file = file or named_file(project)
    if file:
        return from_file(file, _PASSPHRASE, limits.FRAME_BYTES)
    if why:
        prompts.check_terminal(NAME_A_FILE)
        prompts.Waiting.stop()
        output.note(why)
    return from_bytes(_typed(f"passphrase{_of(project)}: "))


def named_file(project: str) -> "str | None":
    """Return the file that the environment names for the passphrase of the vault, or of a project."""
    return os.environ.get("ENVFS_PROJECT_PASSPHRASE_FILE" if project else "ENVFS_PASSPHRASE_FILE")


def new_passphrase(file: "str | None", project: str = "") -> int:
    """Return a new passphrase in a descriptor, from a file or asked for twice. Says what it is worth.

    Raises:
        WrongPassphrase: the two that were typed differ, or a weak one was thought better of, `TRIES` times
    """
    if file:
        handle = from_file(file, _PASSPHRASE, limits.FRAME_BYTES)
        with suppress(UnicodeDecodeError):  # the keyholder says so
            passphrase_strength.warn_if_weak(passphrases.decode_passphrase(os.pread(handle, limits.FRAME_BYTES, 0)))
        return handle
    problem = ""
    for left in reversed(range(TRIES)):
        typed = _typed(f"new passphrase{_of(project)}: ")
        problem = _doubt(typed)
        if not problem:
            return from_bytes(typed)
        if left:
            output.note(f"{problem}: try again")
    raise WrongPassphrase(problem, "nothing was changed")


def _doubt(typed: bytes) -> str:
    try:
        text = passphrases.decode_passphrase(typed)
        if not text:
            return "the passphrase is empty"
        if passphrases.decode_passphrase(_typed("the same again: ")) != text:
            return "the two passphrases differ"
    except UnicodeDecodeError:
        return "what was typed is not UTF-8 text"
    if passphrase_strength.warn_if_weak(text) and not prompts.confirm("use it all the same?"):
        return "the passphrase was not used"
    return ""


def _typed(prompt: str) -> bytes:
    try:
        return prompts.ask_hidden(prompt, _PASSPHRASE, limits.PASSPHRASE_BYTES)
    except prompts.NoTerminal as error:
        error.hint = NAME_A_FILE
        raise


def _of(project: str) -> str:
    return f" of {project}" if project else ""


def is_typed(file: "str | None") -> bool:
    """Tell whether `value_descriptor` would ask a person. `file` is what --from-file names."""
    return file is None and sys.stdin is not None and sys.stdin.isatty()


def value_descriptor(name: str, file: "str | None") -> "tuple[int, bool]":
    """Return a value in a descriptor, and whether it is to lose its line end if it has one line.

    Raises:
        EnvFSError: it is empty
        TooLarge: it is over the limit
    """
    if is_typed(file):
        most = limits.VALUE_BYTES + limits.LINE_END_BYTES
        handle, trim = from_bytes(prompts.ask_hidden(f"value of {name}: ", "the value", most, lines=True)), True
    elif file is None or file == "-":
        handle, trim = from_file("-", "the value", limits.VALUE_BYTES, limits.LINE_END_BYTES), True
    else:
        handle, trim = from_file(file, "the value", limits.VALUE_BYTES), False
    if os.pread(handle, limits.LINE_END_BYTES + 1, 0) in (b"", *((b"\n", b"\r\n") if trim else ())):
        raise EnvFSError("the value is empty, so nothing was changed", "if that is meant, say --empty")
    return handle, trim

"""A process becomes a command: the caller's process state, the caller's environment, and the view over it.

Laws: what the interpreter and this client changed is undone, as the caller had it: signals, closed descriptors, and
the variable that the interpreter sets in a C locale. A variable of the view takes the place of every one of its name.
All else of the environment stays as it came: order, duplicates, bytes, entries without `=`.
"""

import os
import sys
from errno import E2BIG, EACCES, ELOOP, ENAMETOOLONG, ENODEV, ENOENT, ENOEXEC, ENOTDIR, ESTALE, ETIMEDOUT

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs_cli.process import core_limit, signals
from envfs_cli.process.own_variables import OWN_VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DEFAULT_PATH = b"/bin:/usr/bin"  # as execvp(3)
_SHELL = b"/bin/sh"
_HIDDEN = (b"ENVFS_HIDDEN_PYTHONEXECUTABLE=", b"ENVFS_HIDDEN___PYVENV_LAUNCHER__=")  # from Python, by cli/launcher.c
_LOOK_BYTES = 128
_GO_ON = (ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, ESTALE, ENODEV, ETIMEDOUT)  # with the next folder of PATH


def become_command(
    command: "Sequence[str]",
    variables: bytes,
    entries_of: "Callable[[Sequence[bytes], bytes], list[bytes]] | None" = None,
) -> int:
    """Replace this process by a command. Returns a status if it cannot.

    Args:
        command: the words, the first of which is looked for in PATH as execvp(3) does
        variables: NAME=value, each ended by a NUL
        entries_of: what makes the environment of the one inherited and the variables. Else `environment_entries`

    Raises:
        EnvFSError: the command and its environment are too large for the kernel
    """
    words = [os.fsencode(word) for word in command]
    entries = (entries_of or environment_entries)(inherited_entries(), variables)
    signals.restore_signals()
    core_limit.restore_core_limit()
    if "envfs-aside" in sys._xoptions:  # noqa: SLF001 - its documented name
        from envfs_cli import standard_streams

        standard_streams.hand_on()
    failure = None
    for path in _candidates(words[0], entries):
        try:
            _replace(path, words, entries)
        except OSError as error:
            if error.errno == E2BIG:
                raise EnvFSError(
                    "the command and its environment are too large for the kernel",
                    "choose variables with --only, or give the command fewer words",
                ) from None
            if error.errno not in _GO_ON:
                return _complain(command[0], safe_open.error_words(error))
            failure = failure or _reason(path, error)
    if failure is None:
        _say(f"there is no command {command[0]}" if command[0] else "the name of the command is empty")
        from envfs_cli import exit_status

        return exit_status.NOT_FOUND
    return _complain(command[0], failure)


# by these this command acts, and no other one is to
_OWN = tuple(f"{name}=".encode() for name in OWN_VARIABLES)


def environment_entries(inherited: "Sequence[bytes]", variables: bytes) -> list[bytes]:
    """Return the entries of an environment with a view's variables over it."""
    fresh = {entry.partition(b"=")[0]: entry for entry in variables.split(b"\0")[:-1]}
    entries = []
    replaced = set()
    for entry in inherited:
        name, equals, _ = entry.partition(b"=")
        if not equals or name not in fresh:
            entries.append(entry)
        elif name not in replaced:
            replaced.add(name)
            entries.append(fresh[name])
    entries += [entry for name, entry in fresh.items() if name not in replaced]
    return entries


def inherited_entries() -> list[bytes]:
    """Return the entries of the caller's environment, but for the tokens of this command."""
    # as the kernel holds it: the interpreter's own copy drops what is no NAME=value, and has names of its own in it
    try:
        with open("/proc/self/environ", "rb", buffering=0) as file:
            entries = file.readall().split(b"\0")[:-1]
    except OSError:
        entries = [name + b"=" + value for name, value in os.environb.items()]
    shown = [entry.removeprefix(b"ENVFS_HIDDEN_") if entry.startswith(_HIDDEN) else entry for entry in entries]
    return [entry for entry in shown if not entry.startswith(_OWN)]


def _candidates(name: bytes, entries: "Sequence[bytes]") -> list[bytes]:
    if b"/" in name or not name:
        return [name] if name else []
    paths = [entry[5:] for entry in entries if entry.startswith(b"PATH=")]
    path = paths[0] if paths else _DEFAULT_PATH
    return [(folder or b".") + b"/" + name for folder in path.split(b":")]


def _replace(path: bytes, words: "Sequence[bytes]", entries: "Sequence[bytes]") -> None:
    try:
        _execve(path, words, entries)
    except OSError as error:
        if error.errno != ENOEXEC or _is_binary(path):
            raise
    _execve(_SHELL, [_SHELL, path, *words[1:]], entries)  # a script without a first line that says so, as execvp(3)


def _is_binary(path: bytes) -> bool:
    # as shells judge it
    try:
        with open(path, "rb", buffering=0) as file:
            return b"\0" in file.read(_LOOK_BYTES).partition(b"\n")[0]
    except OSError:
        return False


def _execve(path: bytes, words: "Sequence[bytes]", entries: "Sequence[bytes]") -> None:
    if all(entry.find(b"=") > 0 for entry in entries):
        os.execve(path, list(words), _Entries(entries))  # type: ignore[arg-type]  # noqa: S606
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    strings = [(ctypes.c_char_p * (len(text) + 1))(*text, None) for text in (words, entries)]
    libc.execve(path, *strings)
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


class _Entries:
    """Names and values for `os.execve`, which takes from a mapping no more than this. Names may stand twice."""

    def __init__(self, entries: "Sequence[bytes]") -> None:
        """Take entries, each with a name and `=`."""
        self._pairs = [entry.partition(b"=") for entry in entries]

    def __len__(self) -> int:
        """Count."""
        return len(self._pairs)

    def __getitem__(self, name: object) -> bytes:
        """Be a mapping."""
        raise KeyError(name)

    def keys(self) -> list[bytes]:
        """Return the names."""
        return [name for name, _, _ in self._pairs]

    def values(self) -> list[bytes]:
        """Return the values, in the same order."""
        return [value for _, _, value in self._pairs]


def _reason(path: bytes, error: OSError) -> "str | None":
    # why what is there does not run. None if nothing is there, or nothing that this user can see
    if not os.path.lexists(path):
        return None
    if os.path.isdir(path):
        return "it is a folder"
    if error.errno == ENOENT:
        return "its interpreter is not there" if os.path.exists(path) else "it is a link to nothing"
    return safe_open.error_words(error)


def _complain(name: str, reason: str) -> int:
    _say(f"cannot run {name}: {reason}")
    from envfs_cli import exit_status

    return exit_status.NOT_RUNNABLE


def _say(text: str) -> None:
    from envfs_cli import output

    output.error(EnvFSError(text))

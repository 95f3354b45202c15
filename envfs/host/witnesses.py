"""Where this machine remembers a line apart from its files: a file in the runtime folder, and the kernel's keyring.

Laws: a place that is missing is no error. Nothing here waits. The kernel's keyring of a user outlives its processes and
is lost with the machine's memory. A process of the same uid can change it, but not by putting back a folder.
"""

import contextlib
import ctypes
import hashlib
import os
from pathlib import Path

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs.host import private_files
from envfs.host.libc import LIBC

_CALLS = {"x86_64": (248, 250), "aarch64": (217, 219)}  # add_key, keyctl
_LINK, _SET_PERMISSION, _SEARCH, _READ = 8, 5, 10, 11
_USER_KEYRING, _PROCESS_KEYRING = -4, -2
_FOR_THE_USER = 0x3F3F0000  # whoever possesses it, and every process of the same uid
_BYTES = 1024


class Witness:
    """Remembers one line for what is called `name`, in the file `path` and in the kernel."""

    def __init__(self, path: Path, name: str) -> None:
        """Remember nothing yet."""
        self._path = path
        self._key = f"envfs:{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}".encode()

    def put(self, line: str) -> None:
        """Remember a line in the place of the one before."""
        with contextlib.suppress(OSError, EnvFSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            private_files.write_private(self._path, f"{line}\n".encode())
        _put_key(self._key, line.encode())

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return what is remembered, and by which place."""
        places = (
            (f"remembered in {self._path}", self._read_file()),
            ("remembered in the kernel's keyring", _get_key(self._key)),
        )
        return tuple((place, line) for place, line in places if line)

    def _read_file(self) -> str:
        with contextlib.suppress(OSError):
            handle = safe_open.open_file(self._path)
            return private_files.read_at_most(handle, _BYTES).decode("ascii", errors="replace").rstrip("\n")
        return ""


def _put_key(name: bytes, data: bytes) -> None:
    if _possess():
        key: int = _call(0, b"user", name, data, len(data), _USER_KEYRING)
        if key > 0:
            _call(1, _SET_PERMISSION, key, _FOR_THE_USER)


def _get_key(name: bytes) -> str:
    if not _possess():
        return ""
    key = _call(1, _SEARCH, _USER_KEYRING, b"user", name, 0)
    buffer = ctypes.create_string_buffer(_BYTES)
    size = _call(1, _READ, key, buffer, _BYTES) if key > 0 else 0
    return buffer.raw[:size].decode("ascii", errors="replace") if 0 < size <= _BYTES else ""


def _possess() -> bool:
    # a process may use the keys of its user's keyring once that is linked into its own
    return os.uname().machine in _CALLS and _call(1, _LINK, _USER_KEYRING, _PROCESS_KEYRING) == 0


def _call(which: int, *arguments: object) -> int:
    result: int = LIBC.syscall(_CALLS[os.uname().machine][which], *arguments)
    return result

"""Changes in folders, as the kernel reports them (inotify(7)).

Law: nothing here waits. Reports that were lost are told as such.
"""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from envfs.host.libc import LIBC, last_error

_MODIFIED_OR_CLOSED, _MOVED_AWAY, _MOVED_HERE, _CREATED, _GONE = 0x8, 0x40, 0x80, 0x100, 0x400
_FOLDERS_ALONE, _OVERFLOWN, _IGNORED, _IS_FOLDER = 0x01000000, 0x4000, 0x8000, 0x40000000
_MODIFIED, _ATTRIBUTES, _DELETED, _ITSELF_MOVED = 0x2, 0x4, 0x200, 0x800
NEW_CONTENT = _MODIFIED_OR_CLOSED | _MOVED_AWAY | _MOVED_HERE | _CREATED | _GONE | _FOLDERS_ALONE
EVERY_CHANGE = NEW_CONTENT | _MODIFIED | _ATTRIBUTES | _DELETED | _ITSELF_MOVED
_HEAD = struct.Struct("iIII")
_ROOM = 1 << 16


class FolderChange(NamedTuple):
    """Something came or changed under a name in a watched folder, or reports were `lost`. `path` is the folder's.

    Without a name it is about the folder itself: it was removed or moved.
    """

    path: str = ""
    name: str = ""
    is_folder: bool = False
    lost: bool = False


class Inotify:
    """An inotify instance. It has as many watches as folders were added and are there."""

    def __init__(self, wanted: int = NEW_CONTENT) -> None:
        """Open one, for new content alone or for `EVERY_CHANGE`.

        Raises:
            OSError: this user has no more of them
        """
        self._handle: int = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._handle < 0:
            raise last_error("inotify_init1")
        self._paths: dict[int, str] = {}
        self._wanted = wanted

    def fileno(self) -> int:
        """Return the descriptor. It is readable when there is something to read."""
        return self._handle

    def add(self, path: str) -> None:
        """Watch a folder too.

        Raises:
            OSError: it is no folder, or this user has no more watches (ENOSPC)
        """
        watch: int = LIBC.inotify_add_watch(self._handle, os.fsencode(path), self._wanted)
        if watch < 0:
            raise last_error()
        self._paths[watch] = path

    def read(self) -> Iterator[FolderChange]:
        """Yield what was reported since the last time."""
        try:
            data = os.read(self._handle, _ROOM)
        except BlockingIOError:
            return
        while data:
            watch, mask, _, size = _HEAD.unpack_from(data)
            name = data[_HEAD.size : _HEAD.size + size].rstrip(b"\0")
            data = data[_HEAD.size + size :]
            if mask & _OVERFLOWN:
                yield FolderChange(lost=True)
            elif mask & _IGNORED:
                self._paths.pop(watch, None)
            elif watch in self._paths:
                yield FolderChange(self._paths[watch], os.fsdecode(name), bool(mask & _IS_FOLDER))

    def close(self) -> None:
        """End all watches."""
        os.close(self._handle)

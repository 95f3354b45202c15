"""A store in a directory: one file a key.

The laws of its files are those of `host.keyed_files`. A key that is not needed any more is removed. A name that is
taken is another writer's record: `put_new` then says False.
"""

import errno
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from envfs import safe_open
from envfs.core import limits
from envfs.errors import StoreUnavailable
from envfs.host import keyed_files

_TRIES = 4
_OPEN_AT_ONCE = 60  # files
_MOVE = "move it out of the vault, then `envfs verify`"
_TRUSTED_NS = 1_000_000  # a look this fresh is not repeated: one open asks about the same folders many times
_SETTLED_NS = 50_000_000  # a folder's mtime ticks coarsely: younger than this, a second change may hide in one tick


class DirectoryStore:
    """The embedded default. `root` is a folder that only the daemon's user may enter."""

    def __init__(self, root: Path) -> None:
        """Use `root`, which need not exist yet."""
        self._root = str(root)

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None.

        Raises:
            StoreUnavailable: the file cannot be read, is over the limit of a record, or is no regular file
        """
        try:
            return safe_open.read_file(self._path(key), limits.RECORD_BYTES, follow=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except safe_open.OverLimit:
            raise StoreUnavailable("a record in the store is over its limit", f"it is {key}") from None
        except safe_open.NotRegular as error:
            raise StoreUnavailable(f"{key} in the vault cannot be read: {error.strerror}", _MOVE) from None
        except OSError as error:
            raise _unavailable("read", error) from None

    def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a new key. They are on the disk when this returns True."""
        path = self._path(key)
        folder = os.path.dirname(path)
        for left in reversed(range(_TRIES)):
            try:
                keyed_files.make_folders(self._root, folder)
                return keyed_files.store_new_file(path, data)
            except OSError as error:
                if isinstance(error, FileNotFoundError) and left:
                    continue  # somebody removed the folder, which was empty
                raise _unavailable("write", error) from None
        return False

    def put_all(self, records: Mapping[str, bytes]) -> None:
        """Store records under keys, in their order. Those that are there stay. They are on the disk on return."""
        files = [(self._path(key), data) for key, data in records.items()]
        try:
            for start in range(0, len(files), _OPEN_AT_ONCE):
                part = files[start : start + _OPEN_AT_ONCE]
                for folder in dict.fromkeys(os.path.dirname(path) for path, _ in part):
                    keyed_files.make_folders(self._root, folder)
                keyed_files.store_new_files(part)
        except OSError as error:
            raise _unavailable("write", error) from None

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that start with `prefix`, in order."""
        folder, _, start = prefix.rpartition("/")
        if prefix.startswith("/"):
            return  # no key does
        if folder:
            self._path(folder)
        try:
            yield from keyed_files.list_files(self._root, folder, start)
        except OSError as error:
            raise _unavailable("read", error) from None

    def watch(self, prefix: str) -> "PathWatch":
        """Watch one folder, or one file, by its times."""
        return PathWatch(self._path(prefix) if prefix else self._root)

    def delete(self, *keys: str) -> None:
        """Put an empty file in the place of each, overwrite what stood there, and what a crash left beside it."""
        paths = [self._path(key) for key in keys]
        try:
            keyed_files.forget_files(paths)
        except OSError as error:
            raise _unavailable("write", error) from None

    def remove(self, key: str) -> None:
        """Take a key away."""
        try:
            keyed_files.remove_file(self._root, self._path(key))
        except OSError as error:
            raise _unavailable("write", error) from None

    def _path(self, key: str) -> str:
        if not key.isascii() or any(part in ("", ".", "..") for part in key.split("/")) or "\0" in key:
            raise StoreUnavailable("not a key of a store")
        return f"{self._root}/{key}"


class PathWatch:
    """At most one `stat` a millisecond. The answer is yes while a tick of the clock could still hide a change.

    Only others' changes are seen that late: what this process itself writes, its caller knows.
    """

    def __init__(self, path: str) -> None:
        """Start in the state "changed"."""
        self._path = path
        self._seen: tuple[int, ...] | None = None
        self._looked_ns = 0

    def changed(self) -> bool:
        """Compare inode and times with what was seen last."""
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns < _TRUSTED_NS and self._seen is not None:
            return False
        self._looked_ns = now_ns
        try:
            status = os.stat(self._path)
            now = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)  # a tool may set mtime back, but not ctime
        except (FileNotFoundError, NotADirectoryError):
            now = (0, 0, 0)
        except OSError as error:
            raise _unavailable("read", error) from None
        if now == self._seen:
            return False
        settled = time.time_ns() - max(now[1:]) > _SETTLED_NS
        self._seen = now if settled else None
        return True


def _unavailable(verb: str, error: OSError) -> StoreUnavailable:
    hint = "the disk is full" if error.errno == errno.ENOSPC else "look at the vault folder's owner, mode and disk"
    return StoreUnavailable(f"cannot {verb} the vault: {safe_open.error_words(error)}", hint)

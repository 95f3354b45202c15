"""A store in a directory: one file a key.

Laws: a file appears whole or not at all (a file without a name, fsync, link, fsync of the folder), never changes, and
is never replaced but by an empty one, when its bytes are to be forgotten. A key that is not needed any more is
removed. A name that `link` finds taken is another writer's record: `put_new` then says False. A killed writer leaves
nothing, or, on a file system that knows no files without a name, one that starts with `.new-`.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from envfs import safe_open
from envfs.core import limits
from envfs.errors import StoreUnavailable
from envfs.host import private_files

_TEMPORARY = ".new-"
_TRIES = 4
_MOVE = "move it out of the vault, then `envfs verify`"
_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL)  # how file systems say that O_TMPFILE is beyond them
_TRUSTED_NS = 1_000_000  # a look this fresh is not repeated: one open asks about the same folders many times
_ABANDONED_SECONDS = 60.0  # a record is written in milliseconds
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
                self._make_folder(folder)
                return _link_new(folder, path, data)
            except OSError as error:
                if isinstance(error, FileNotFoundError) and left:
                    continue  # somebody removed the folder, which was empty
                raise _unavailable("write", error) from None
        return False

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that start with `prefix`, in order."""
        folder, _, start = prefix.rpartition("/")
        if prefix.startswith("/"):
            return  # no key does
        if folder:
            self._path(folder)
        try:
            yield from self._walk(folder, start)
        except OSError as error:
            raise _unavailable("read", error) from None

    def watch(self, prefix: str) -> "PathWatch":
        """Watch one folder, or one file, by its times."""
        return PathWatch(self._path(prefix) if prefix else self._root)

    def delete(self, *keys: str) -> None:
        """Put an empty file in the place of each, overwrite what stood there, and what a crash left beside it."""
        paths = [self._path(key) for key in keys]
        for path in paths:
            _forget(path)
        try:
            for folder in {os.path.dirname(path) for path in paths if os.path.exists(path)}:
                _sweep(folder)
        except OSError as error:
            raise _unavailable("write", error) from None

    def remove(self, key: str) -> None:
        """Take a key away."""
        path = self._path(key)
        folder = os.path.dirname(path)
        try:
            os.unlink(path)
            private_files.sync_folder(Path(folder))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unavailable("write", error) from None
        self._remove_empty(folder)

    def _path(self, key: str) -> str:
        if not key.isascii() or any(part in ("", ".", "..") for part in key.split("/")) or "\0" in key:
            raise StoreUnavailable("not a key of a store")
        return f"{self._root}/{key}"

    def _walk(self, folder: str, start: str) -> Iterator[str]:
        path = f"{self._root}/{folder}" if folder else self._root
        try:
            with os.scandir(path) as listing:
                entries = [(e.name, e.is_dir(follow_symlinks=False)) for e in listing]
        except (FileNotFoundError, NotADirectoryError):
            return
        # in the order of whole keys, in which a folder's name goes on with a slash
        for name, is_folder in sorted(entries, key=lambda entry: f"{entry[0]}/" if entry[1] else entry[0]):
            if not name.startswith(start) or name.startswith(_TEMPORARY):
                continue
            key = f"{folder}/{name}" if folder else name
            if is_folder:
                yield from self._walk(key, "")
            else:
                yield key

    def _remove_empty(self, folder: str) -> None:
        # a key that comes back makes its folders again, and so the watch of one above sees it
        with contextlib.suppress(OSError):
            while os.path.dirname(folder) != self._root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)

    def _make_folder(self, folder: str) -> None:
        if os.path.isdir(folder):
            return
        parent = os.path.dirname(folder)
        if folder != self._root:
            self._make_folder(parent)
        try:
            os.makedirs(folder, 0o700)
        except FileExistsError:
            return
        private_files.sync_folder(Path(parent))


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


def _link_new(folder: str, path: str, data: bytes) -> bool:
    handle, temporary = _new_temporary(folder)
    try:
        _write_all(handle, data)
        os.fsync(handle)
        source = temporary or f"/proc/self/fd/{handle}"
        os.link(source, path, src_dir_fd=handle, follow_symlinks=True)  # with a descriptor, or it would not follow
    except FileExistsError:
        private_files.sync_folder(Path(folder))  # whoever put it there may have been killed before its own
        return False
    finally:
        os.close(handle)
        if temporary:
            os.unlink(temporary)
    private_files.sync_folder(Path(folder))
    return True


def _forget(path: str) -> None:
    try:
        old = safe_open.open_file(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unavailable("write", error) from None
    try:
        _replace_by_nothing(path)
        private_files.overwrite(old)
    except OSError as error:
        raise _unavailable("write", error) from None
    finally:
        os.close(old)


def _replace_by_nothing(path: str) -> None:
    # by one name always: who is killed in between leaves an empty file, which the next try to forget this one uses up
    folder, name = os.path.split(path)
    temporary = f"{folder}/{_TEMPORARY}{name}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    os.replace(temporary, path)
    private_files.sync_folder(Path(folder))


def _sweep(folder: str) -> None:
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(_TEMPORARY) and _is_abandoned(entry)]
    for path in left:
        handle = safe_open.open_file(path, os.O_WRONLY)
        try:
            os.unlink(path)
            if os.fstat(handle).st_nlink == 0:  # else it is a record by now, under its own name
                private_files.overwrite(handle)
        finally:
            os.close(handle)


def _is_abandoned(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        status = entry.stat(follow_symlinks=False)
        return stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > _ABANDONED_SECONDS
    return False


def _new_temporary(folder: str) -> tuple[int, str]:
    # a file without a name goes with its descriptor, whatever happens. The name is empty then
    try:
        return os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600), ""
    except OSError as error:
        if error.errno not in _NO_NAMELESS:
            raise
    path = f"{folder}/{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path


def _write_all(handle: int, data: bytes) -> None:
    unwritten = memoryview(data)
    while unwritten:
        unwritten = unwritten[os.write(handle, unwritten) :]


def _unavailable(verb: str, error: OSError) -> StoreUnavailable:
    hint = "the disk is full" if error.errno == errno.ENOSPC else "look at the vault folder's owner, mode and disk"
    return StoreUnavailable(f"cannot {verb} the vault: {safe_open.error_words(error)}", hint)

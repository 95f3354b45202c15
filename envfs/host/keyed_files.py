"""Files by key below a folder: the steps that a store in a directory is made of.

Laws: a file appears whole or not at all (a file without a name, fsync, link, fsync of the folder), never changes, and
is never replaced but by an empty one, when its bytes are to be forgotten. A killed writer leaves nothing, or, on a file
system that knows no files without a name, one that starts with `.new-`. Every failure is an OSError.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from envfs import safe_open
from envfs.host import private_files
from envfs.host.libc import LIBC, last_error

TEMPORARY = ".new-"
_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL)  # how file systems say that O_TMPFILE is beyond them
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)  # a USB stick's file system has one name for each file
_ABANDONED_SECONDS = 60.0  # a record is written in milliseconds
_MANY = 8  # files, of which one sync of the file system is cheaper than one of each
_NO_REPLACE = 1  # RENAME_NOREPLACE of renameat2(2)
_HERE = -100  # AT_FDCWD


def store_new_file(path: str, data: bytes) -> bool:
    """Store bytes in a new file. False, and nothing changed, if there is one. They are on the disk in both cases.

    Raises:
        OSError: it cannot be written
    """
    folder = os.path.dirname(path)
    handle, temporary = _new_temporary(folder)
    try:
        _write_all(handle, data)
        os.fsync(handle)
        is_new = _give_name(handle, temporary, path)
    finally:
        _let_go(handle, temporary)
    private_files.sync_folder(Path(folder))  # also for another's, who may have been killed before doing so
    return is_new


def store_new_files(files: Sequence[tuple[str, bytes]]) -> None:
    """Store bytes in new files, with one sync of the disk for all of them. Those that are there already stay.

    A name appears once all the bytes are on the disk, in the order of `files`.

    Raises:
        OSError: one cannot be written
    """
    begun: list[tuple[str, int, str]] = []
    folders = sorted({os.path.dirname(path) for path, _ in files})
    try:
        for path, data in files:
            begun.append((path, *_new_temporary(os.path.dirname(path))))
            _write_all(begun[-1][1], data)
        _sync_all([handle for _, handle, _ in begun])
        for path, handle, temporary in begun:
            _give_name(handle, temporary, path)
    finally:
        for _, handle, temporary in begun:
            _let_go(handle, temporary)
    for folder in folders:
        private_files.sync_folder(Path(folder))


def _sync_all(handles: Sequence[int]) -> None:
    # of one file system. It has one journal, so all of it costs as much as a few files
    if len(handles) < _MANY:
        for handle in handles:
            os.fsync(handle)
    elif LIBC.syncfs(handles[0]) != 0:
        raise last_error()


def _let_go(handle: int, temporary: str) -> None:
    os.close(handle)
    if temporary:
        with contextlib.suppress(FileNotFoundError):  # it was renamed
            os.unlink(temporary)


def _give_name(handle: int, temporary: str, path: str) -> bool:
    source = temporary or f"/proc/self/fd/{handle}"
    try:
        os.link(source, path, src_dir_fd=handle, follow_symlinks=True)  # with a descriptor, or it would not follow
    except FileExistsError:
        # over NFS a link whose answer was lost is tried again, and finds itself
        return bool(temporary) and os.fstat(handle).st_nlink > 1
    except OSError as error:
        if not temporary or error.errno not in _NO_LINKS:
            raise
        return _rename_new(temporary, path)
    return True


def _rename_new(temporary: str, path: str) -> bool:
    if LIBC.renameat2(_HERE, os.fsencode(temporary), _HERE, os.fsencode(path), _NO_REPLACE) == 0:
        return True
    error = last_error()
    if error.errno == errno.EEXIST:
        return False
    raise error


def list_files(root: str, folder: str, start: str) -> Iterator[str]:
    """Yield the keys below a folder (empty: all) whose next part begins with `start`, in order.

    Raises:
        OSError: a folder cannot be listed
    """
    path = f"{root}/{folder}" if folder else root
    try:
        with os.scandir(path) as listing:
            entries = [(e.name, e.is_dir(follow_symlinks=False)) for e in listing]
    except (FileNotFoundError, NotADirectoryError):
        return
    # in the order of whole keys, in which a folder's name goes on with a slash
    for name, is_folder in sorted(entries, key=lambda entry: f"{entry[0]}/" if entry[1] else entry[0]):
        if not name.startswith(start) or name.startswith(TEMPORARY):
            continue
        key = f"{folder}/{name}" if folder else name
        if is_folder:
            yield from list_files(root, key, "")
        else:
            yield key


def make_folders(root: str, folder: str) -> None:
    """Make a folder below `root`, and those above it, for this user alone. They are on the disk afterwards.

    Raises:
        OSError: it cannot be made
    """
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if folder != root:
        make_folders(root, parent)
    try:
        os.makedirs(folder, 0o700)
    except FileExistsError:
        return
    private_files.sync_folder(Path(parent))


def remove_file(root: str, path: str) -> None:
    """Remove a file, and the folders that are empty then. One that is not there is no error.

    Raises:
        OSError: it cannot be removed
    """
    folder = os.path.dirname(path)
    try:
        os.unlink(path)
        private_files.sync_folder(Path(folder))
    except FileNotFoundError:
        return
    # a key that comes back makes its folders again, and so the watch of one above sees it
    with contextlib.suppress(OSError):
        while os.path.dirname(folder) != root:
            os.rmdir(folder)
            folder = os.path.dirname(folder)


def forget_files(paths: list[str]) -> None:
    """Put an empty file in the place of each, overwrite what stood there, and what a crash left beside it.

    Raises:
        OSError: one cannot be replaced
    """
    for path in paths:
        _forget(path)
    for folder in {os.path.dirname(path) for path in paths if os.path.exists(path)}:
        _sweep(folder)


def _forget(path: str) -> None:
    try:
        old = safe_open.open_file(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    try:
        _replace_by_nothing(path)
        private_files.overwrite(old)
    finally:
        os.close(old)


def _replace_by_nothing(path: str) -> None:
    # by one name always: who is killed in between leaves an empty file, which the next try to forget this one uses up
    folder, name = os.path.split(path)
    temporary = f"{folder}/{TEMPORARY}{name}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    os.replace(temporary, path)
    private_files.sync_folder(Path(folder))


def _sweep(folder: str) -> None:
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(TEMPORARY) and _is_abandoned(entry)]
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
    path = f"{folder}/{TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path


def _write_all(handle: int, data: bytes) -> None:
    unwritten = memoryview(data)
    while unwritten:
        unwritten = unwritten[os.write(handle, unwritten) :]

"""Tries operations on paths and prints how each ended, as JSON. Run as another user with `python3 -I -S -c`.

The argument is a JSON list of [operation, path, extra…]; the answer has one item each: "ok" and what was found, or the
errno's name.
"""

import ctypes
import errno
import json
import os
import sys


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _open(path: str, flags: int = os.O_RDONLY) -> None:
    os.close(os.open(path, flags))


def _access(path: str, mode: int = os.R_OK) -> None:
    # os.access would tell no more than yes or no
    if not os.access(path, mode):
        os.stat(path)
        raise OSError(errno.EACCES, "access says no")


def _watch(path: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    watcher = libc.inotify_init1(0)
    if libc.inotify_add_watch(watcher, os.fsencode(path), 0xFFF) < 0:  # all that there is to be told
        raise OSError(ctypes.get_errno(), "no watch")


OPERATIONS = {
    "read": _read,
    "open": _open,
    "create": _create,
    "access": _access,
    "stat": lambda path: os.stat(path).st_size,
    "inode": lambda path: os.stat(path).st_ino,
    "lstat": lambda path: os.lstat(path).st_size,
    "listdir": lambda path: sorted(os.listdir(path)),
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "rename": os.rename,
    "link": os.link,
    "symlink": lambda path: os.symlink("/etc/passwd", path),
    "mknod": os.mknod,
    "chmod": lambda path: os.chmod(path, 0o777),
    "chown": lambda path: os.chown(path, 12, 12),
    "utime": os.utime,
    "truncate": lambda path: os.truncate(path, 0),
    "setxattr": lambda path: os.setxattr(path, "user.x", b"1"),
    "removexattr": lambda path: os.removexattr(path, "user.x"),
    "getxattr": lambda path: len(os.getxattr(path, "user.x")),
    "listxattr": os.listxattr,
    "readlink": os.readlink,
    "watch": _watch,
    "statvfs": lambda path: os.statvfs(path).f_bsize,
}


def attempt(operation: str, *arguments: object) -> list[object]:
    try:
        return ["ok", OPERATIONS[operation](*arguments)]  # type: ignore[operator]
    except OSError as error:
        return [errno.errorcode[error.errno or errno.EIO], None]


if __name__ == "__main__":
    print(json.dumps([attempt(*wish) for wish in json.loads(sys.argv[1])]))

"""Mount points: is one free, is something mounted there, and clearing what a crash left behind."""

import ctypes
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from envfs.errors import MountFailed
from envfs.host import files

FILE_SYSTEM = "fuse.envfs"
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


class Mounted(NamedTuple):
    """One line of mountinfo: where, and which kind of file system."""

    path: str
    kind: str


def at(path: str) -> Mounted | None:
    """Return what is mounted exactly at `path`, the topmost if there are several."""
    found = None
    for line in Path("/proc/self/mountinfo").read_bytes().split(b"\n")[:-1]:
        fields, _, rest = os.fsdecode(line).partition(" - ")
        where = _unescape(fields.split(" ")[4])
        if where == path:
            found = Mounted(where, rest.split(" ")[0])
    return found


def prepare(path: str) -> bool:
    """Make `path` an empty folder to mount on; returns True if a dead mount of ours was cleared away first.

    Raises:
        MountFailed: something else is mounted there, or the folder is not empty or cannot be made
    """
    cleared = False
    while (mounted := at(path)) is not None:
        if mounted.kind != FILE_SYSTEM:
            raise MountFailed(f"{path} is a mount point of {mounted.kind}", "choose another with `envfs mount PATH`")
        if _alive(path):
            raise MountFailed(f"another envfs serves {path}", "end it with `envfs unmount`, or choose another path")
        clear(path)
        cleared = True
    try:
        folder = Path(path)
        files.make_passable(folder)
        if any(folder.iterdir()):
            raise MountFailed(f"{path} is not empty", "mounting there would hide what is in it; choose an empty folder")
    except OSError as error:
        raise MountFailed(f"cannot use {path}: {os.strerror(error.errno or 5).lower()}") from None
    return cleared


def clear(path: str) -> None:
    """Take a mount away, even a busy or dead one.

    Raises:
        MountFailed: the kernel or fusermount3 refuses
    """
    if os.geteuid() == 0:
        if _libc.umount2(os.fsencode(path), _MNT_DETACH) != 0:
            raise MountFailed(f"cannot unmount {path}: {os.strerror(ctypes.get_errno()).lower()}")
        return
    try:
        done = subprocess.run(["fusermount3", "-u", "-z", "--", path], check=False, capture_output=True)  # noqa: S607
    except FileNotFoundError:
        raise MountFailed("fusermount3 is not installed", "apt-get install fuse3") from None
    if done.returncode != 0:
        raise MountFailed(f"fusermount3 cannot unmount {path}")


def clear_dead(path: str) -> bool:
    """Take a mount of ours away whose daemon has left it; returns True if there was one."""
    mounted = at(path)
    if mounted is None or mounted.kind != FILE_SYSTEM or _alive(path):
        return False
    clear(path)
    return True


def _alive(path: str) -> bool:
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False  # ENOTCONN: the daemon behind it is gone
    return True


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text

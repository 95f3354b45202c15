"""Mount points: is one free, is something mounted there, and clearing what a crash left behind."""

import os
import shlex
import stat
import threading
from pathlib import Path
from typing import NamedTuple

from envfs import safe_open
from envfs.errors import MountFailed
from envfs.host import fusermount, private_files
from envfs.host.libc import LIBC, last_error
from envfs.locations import Locations

FILE_SYSTEM = "fuse.envfs"
OPTIONS = frozenset(("fsname=envfs", "subtype=envfs", "nosuid", "nodev", "noexec", "noatime"))
_MNT_DETACH = 2
_ANSWER_SECONDS = 2.0


class Mounted(NamedTuple):
    """One line of mountinfo: where, and which kind of file system."""

    path: str
    kind: str


def mounted_at(path: str) -> Mounted | None:
    """Return what is mounted exactly at `path`, the topmost if there are several."""
    mounted = None
    for line in Path("/proc/self/mountinfo").read_bytes().split(b"\n")[:-1]:
        fields, _, source_fields = os.fsdecode(line).partition(" - ")
        where = _unescape(fields.split(" ")[4])
        if where == path:
            mounted = Mounted(where, source_fields.split(" ")[0])
    return mounted


def mount_candidates(places: Locations) -> tuple[str, ...]:
    """Return where a mount of this home may stand: where the last daemon put it, and the usual places."""
    try:
        last = os.fsdecode(Path(places.mounted).read_bytes())
    except OSError:
        last = ""
    return last, places.mount, places.link


def dead_mounts(*paths: str) -> list[str]:
    """Return those of `paths` at which a mount of ours stands whose daemon is gone."""
    return [
        path
        for path in dict.fromkeys(paths)
        if path and (mounted := mounted_at(path)) is not None and mounted.kind == FILE_SYSTEM and not _alive(path)
    ]


def are_open_to_root(parameter: Path = Path("/sys/module/fuse/parameters/allow_sys_admin_access")) -> bool:
    """Tell whether this kernel was told to let root into users' own mounts (since Linux 6.0, off by default)."""
    try:
        return parameter.read_bytes().strip() not in (b"N", b"0")
    except OSError:
        return False


def clear_dead(*paths: str) -> list[str]:
    """Take dead mounts of ours away. Returns where some were.

    Raises:
        MountFailed: the kernel or fusermount3 refuses
    """
    cleared = dead_mounts(*paths)
    for path in cleared:
        while dead_mounts(path):
            clear_mount(path)
    return cleared


def check_owner(folder: str) -> None:
    """See that nobody else can put another folder in the place of one inside `folder`.

    Raises:
        MountFailed: somebody else can
    """
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        os.mkdir(folder, 0o700)
        status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise MountFailed(
            f"{folder} is not a folder of this user alone",
            "remove it, or set XDG_RUNTIME_DIR to a folder of your own",
        )


def prepare_mount_point(path: str) -> bool:
    """Make `path` an empty folder to mount on. Returns True if a dead mount of ours was cleared away first.

    Raises:
        MountFailed: something else is mounted there, or the folder is not empty or cannot be made
    """
    cleared = False
    while (mounted := mounted_at(path)) is not None:
        if mounted.kind != FILE_SYSTEM:
            raise MountFailed(f"{path} is a mount point of {mounted.kind}", f"choose another, as in `{_beside(path)}`")
        if _alive(path):
            raise MountFailed(
                f"another envfs serves {path}",
                f"end it with `envfs unmount` where it was started, or choose another place, as in `{_beside(path)}`",
            )
        clear_mount(path)
        cleared = True
    try:
        folder = Path(path)
        private_files.make_passable(folder)
        if any(folder.iterdir()):
            raise MountFailed(
                f"{path} is not empty",
                f"mounting there would hide its content; choose another, as in `{_beside(path)}`",
            )
    except OSError as error:
        raise MountFailed(f"cannot use {path}: {safe_open.error_words(error)}") from None
    return cleared


def clear_mount(path: str) -> None:
    """Take a mount away, even a busy or dead one.

    Raises:
        MountFailed: the kernel or fusermount3 refuses
    """
    if os.geteuid() == 0:
        if LIBC.umount2(os.fsencode(path), _MNT_DETACH) != 0:
            raise MountFailed(f"cannot unmount {path}: {safe_open.error_words(last_error())}")
        return
    fusermount.unmount_for_user(path)


def _beside(path: str) -> str:
    return f"envfs mount {shlex.quote(path.rstrip('/') + '-views')}"


def _alive(path: str) -> bool:
    # a daemon that is stopped does not answer. It is not dead
    answers: list[bool] = []
    look = threading.Thread(target=lambda: answers.append(_answers(path)), daemon=True)
    look.start()
    look.join(_ANSWER_SECONDS)
    return not answers or answers[0]


def _answers(path: str) -> bool:
    try:
        os.statvfs(path)  # the kernel may answer `stat` by itself
    except PermissionError:
        return True
    except OSError:
        return False  # ENOTCONN: the daemon behind it is gone
    return True


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text

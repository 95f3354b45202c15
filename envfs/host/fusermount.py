"""fusermount3, which mounts and unmounts for users: the device that it opens comes by a socket (mount.fuse3(8))."""

import os
import socket
import stat
import subprocess
from contextlib import suppress

from envfs.errors import MountFailed

_DEVICE = "/dev/fuse"
_PROGRAM = "fusermount3"
_SOCKET_VARIABLE = "_FUSE_COMMFD"
_SECONDS = 30
_NOT_INSTALLED = ("fusermount3 is not installed", "apt-get install fuse3")


def mount_for_user(path: str, options: frozenset[str]) -> int:
    """Mount at `path`, and return the device whose reader answers there.

    Raises:
        MountFailed: fusermount3 refuses, or is not there
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [_PROGRAM, "-o", ",".join(sorted(options)), "--", path]
        environ = {**os.environ, _SOCKET_VARIABLE: str(theirs.fileno())}
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, env=environ, pass_fds=(theirs.fileno(),), timeout=_SECONDS
            )
        except FileNotFoundError:
            raise MountFailed(*_NOT_INSTALLED) from None
        except subprocess.TimeoutExpired:
            raise MountFailed(f"fusermount3 does not mount at {path}") from None
        ours.setblocking(False)
        descriptors = [] if done.returncode else _received(ours)
    if not descriptors:
        raise MountFailed(f"fusermount3 cannot mount at {path}", "may this user open /dev/fuse? `envfs doctor` looks")
    return descriptors[0]


def unmount_for_user(path: str) -> None:
    """Take a mount of this user away, even a busy or dead one.

    Raises:
        MountFailed: fusermount3 refuses, or is not there
    """
    try:
        done = subprocess.run([_PROGRAM, "-u", "-z", "--", path], check=False, capture_output=True)
    except FileNotFoundError:
        raise MountFailed(*_NOT_INSTALLED) from None
    if done.returncode != 0:
        raise MountFailed(f"fusermount3 cannot unmount {path}")


def is_device(descriptor: int) -> bool:
    """Tell whether a descriptor is one of /dev/fuse."""
    status = os.fstat(descriptor)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(_DEVICE).st_rdev


def _received(connection: socket.socket) -> list[int]:
    with suppress(OSError):
        return socket.recv_fds(connection, 1, 1)[1]
    return []

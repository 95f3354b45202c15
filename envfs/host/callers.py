"""Who is calling: one look at /proc while the caller waits in the kernel, so that nothing can change meanwhile.

A caller that cannot be looked at is returned with a `doubt`, and the gate denies it; nothing here raises.
"""

import os
import socket
import struct
from collections.abc import Callable

from envfs.core.policy import Caller

_UNMAPPED = 65534  # how the kernel shows a uid that has no number in this user namespace
_CREDENTIALS = struct.Struct("3i")


def look(pid: int, uid: int, gid: int) -> Caller:
    """Describe the process or thread `pid`, which the kernel says acts as `uid` and `gid`."""
    if pid <= 0:
        return Caller(uid, gid, 0, doubt="outside the daemon's process namespace")
    if uid == _UNMAPPED:
        return Caller(uid, gid, pid, doubt="a uid without a number here")
    try:
        status = _read(f"/proc/{pid}/status")
        executable = _executable(pid)
        cgroup = _read(f"/proc/{pid}/cgroup").rpartition(b"0::")[2].decode(errors="replace").strip()
    except OSError:
        return Caller(uid, gid, pid, doubt="its /proc entry cannot be read")
    if not _acts_as(status, uid):
        return Caller(uid, gid, pid, executable, cgroup, doubt="the file system's uid is not the process's")
    return Caller(uid, gid, pid, executable, cgroup)


def peer(getsockopt: Callable[[int, int, int], bytes]) -> Caller:
    """Describe the process at the other end of a unix socket as it was when it connected, by the socket's options."""
    raw = getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    return look(pid, uid, gid)


def _executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except PermissionError:
        return ""  # another user's process, and this daemon has no right to look; the uid is known all the same


def _acts_as(status: bytes, uid: int) -> bool:
    # real, effective, saved and file system uid; a layered file system may ask as root for somebody else
    ids = status.partition(b"\nUid:\t")[2].partition(b"\n")[0].split()
    return str(uid).encode() in ids


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, 4096)
    finally:
        os.close(handle)

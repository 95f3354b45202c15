"""Callers: a look at /proc while the caller waits in the kernel, so that nothing can change meanwhile.

A caller that cannot be looked at is returned with a `doubt`, and the gate denies it. Nothing here raises.
"""

import os
import resource
import socket
import struct
import time
import weakref
from collections.abc import Callable
from typing import NamedTuple

from envfs.core.access.caller import Caller
from envfs.host import user_namespace

_CREDENTIALS = struct.Struct("3i")
_KEPT, _DESCRIPTORS_EACH = 128, 8  # processes whose /proc folder is held open: an eighth of what may be open at most
_TRUSTED_NS = 1_000_000_000  # how long a cgroup and the uids of a process are believed
_GLANCED_NS = 1_000_000  # how long all of it is, for a question by which nothing is opened


class _Known(NamedTuple):
    """A process looked at before. `folder` is its /proc folder, which dies with it: a reused number is a stranger."""

    folder: int
    looked_ns: int
    caller: Caller
    still_ns: int  # when it was last seen to be the same process, with the same executable
    process: int  # that the thread is of


class Callers:
    """Looks at callers, and remembers the last ones. The executable is read again each time."""

    def __init__(self) -> None:
        """Start knowing nobody."""
        self._known: dict[int, _Known] = {}
        self._most = max(1, min(_KEPT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _DESCRIPTORS_EACH))
        weakref.finalize(self, _close_all, self._known)

    def look(self, pid: int, uid: int, gid: int) -> Caller:
        """Describe the process or thread `pid`, which the kernel says acts as `uid` and `gid`."""
        cached = self._known.get(pid)
        if cached is not None:
            caller, now_ns = cached.caller, time.monotonic_ns()
            fresh = now_ns - cached.looked_ns < _TRUSTED_NS
            if fresh and caller.uid == uid and caller.gid == gid and _still(cached):
                self._known[pid] = _Known(cached.folder, cached.looked_ns, caller, now_ns, cached.process)
                return caller
            self._forget(pid)
        return self._meet(pid, uid, gid)

    def glance(self, pid: int, uid: int, gid: int) -> Caller:
        """As `look`, believing what was looked at within the last millisecond: one open asks many times."""
        cached = self._known.get(pid)
        if cached is not None and time.monotonic_ns() - cached.still_ns < _GLANCED_NS:
            caller = cached.caller
            if caller.uid == uid and caller.gid == gid:
                return caller
        return self.look(pid, uid, gid)

    def process_of(self, pid: int) -> int:
        """Return the process that a thread is of. `pid` itself as long as it was not looked at."""
        known = self._known.get(pid)
        return known.process if known is not None else pid

    def close(self) -> None:
        """Forget everybody."""
        _close_all(self._known)

    def _meet(self, pid: int, uid: int, gid: int) -> Caller:
        if pid <= 0:
            return Caller(uid, gid, 0, doubt="outside the daemon's process namespace")
        if user_namespace.stands_for_others(uid):
            return Caller(uid, gid, pid, doubt="a uid without a number here")
        try:
            folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return Caller(uid, gid, pid, doubt="its /proc entry cannot be read")
        caller, process = _describe(folder, pid, uid, gid)
        if len(self._known) >= self._most:
            self._forget(next(iter(self._known)))
        now_ns = time.monotonic_ns()
        self._known[pid] = _Known(folder, now_ns, caller, now_ns, process)
        return caller

    def _forget(self, pid: int) -> None:
        os.close(self._known.pop(pid).folder)


def _close_all(known: dict[int, _Known]) -> None:
    while known:
        os.close(known.popitem()[1].folder)


def process(pid: int) -> int:
    """Return the process that the thread `pid` is of. `pid` itself where that cannot be told."""
    if pid <= 0:
        return pid
    try:
        handle = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return pid
    try:
        return _leader(os.read(handle, 4096)) or pid
    except OSError:
        return pid
    finally:
        os.close(handle)


def own_caller() -> Caller:
    """Describe this process, for what it does by itself."""
    return Caller(os.getuid(), os.getgid(), os.getpid())


def peer_ids(getsockopt: Callable[[int, int, int], bytes]) -> tuple[int, int]:
    """Return uid and process id of the other end of a unix socket, looking at nothing else."""
    pid, uid, _ = _CREDENTIALS.unpack(getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return uid, pid


def peer_caller(getsockopt: Callable[[int, int, int], bytes]) -> Caller:
    """Describe the process at the other end of a unix socket as it was when it connected, by the socket's options."""
    raw = getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    callers = Callers()
    try:
        return callers.look(pid, uid, gid)
    finally:
        callers.close()


def _describe(folder: int, pid: int, uid: int, gid: int) -> tuple[Caller, int]:
    try:
        status = _read(folder, "status")
        executable = _executable(folder)
        cgroup = _read(folder, "cgroup").rpartition(b"0::")[2].decode(errors="replace").strip()
    except OSError:
        return Caller(uid, gid, pid, doubt="its /proc entry cannot be read"), pid
    doubt = "" if _acts_as(status, uid) else "the file system's uid is not the process's"
    return Caller(uid, gid, pid, executable, cgroup, doubt=doubt), _leader(status) or pid


def _still(known: _Known) -> bool:
    try:
        return _executable(known.folder) == known.caller.executable
    except OSError:
        return False


def _executable(folder: int) -> str:
    try:
        return os.readlink("exe", dir_fd=folder)
    except PermissionError:
        return ""  # another user's process, and this daemon has no right to look. The uid is known all the same


def _acts_as(status: bytes, uid: int) -> bool:
    # real, effective, saved and file system uid. A layered file system may ask as root for somebody else
    ids = status.partition(b"\nUid:\t")[2].partition(b"\n")[0].split()
    return str(uid).encode() in ids


def _leader(status: bytes) -> int:
    number = status.partition(b"\nTgid:\t")[2].partition(b"\n")[0]
    return int(number) if number.isdigit() else 0


def _read(folder: int, name: str) -> bytes:
    handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(handle, 4096)
    finally:
        os.close(handle)

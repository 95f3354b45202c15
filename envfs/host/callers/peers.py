"""The process at the other end of a unix socket, as it was when it connected (unix(7), socket(7)).

Its number alone would be that of another process once it has ended. A pidfd (SO_PEERPIDFD, Linux 6.5) stays its own.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable

from envfs.core.access.caller import Caller
from envfs.core.access.rule import RuleProcess
from envfs.host.callers import lineages, rule_processes
from envfs.host.callers.callers import Callers
from envfs.host.evidence.pidfds import has_exited

_CREDENTIALS, _GROUP, _DESCRIPTOR = struct.Struct("3i"), struct.Struct("I"), struct.Struct("i")
_PEER_GROUPS, _PEER_PIDFD = 59, 77
_MOST_GROUPS = 256  # more are asked of Python in vain
_INFO_BYTES = 4096

SocketOption = Callable[[int, int, int], bytes]


class Peer:
    """The process that connected."""

    def __init__(self, getsockopt: SocketOption, since: float) -> None:
        """Look by the options of a socket that was connected at `since`, in seconds since the boot."""
        self._getsockopt = getsockopt
        self._since = since

    def pid(self) -> int:
        """Return the number of the process. 0 if it has ended, or cannot be told."""
        try:
            handle = _open_peer(self._getsockopt)
        except OSError as error:
            return self._pid_by_start() if error.errno == errno.ENOPROTOOPT else 0
        try:
            return _number(handle)
        except OSError:
            return 0
        finally:
            os.close(handle)

    def process(self) -> RuleProcess | None:
        """Name the process, for what ends with it. None if it has ended, or cannot be told."""
        try:
            handle = _open_peer(self._getsockopt)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT or not (pid := self._pid_by_start()):
                return None
            try:
                handle = os.pidfd_open(pid)
            except OSError:
                return None
        try:
            return rule_processes.name_process(_number(handle), handle)
        except OSError:
            return None
        finally:
            os.close(handle)

    def _pid_by_start(self) -> int:
        # before Linux 6.5: a process that got the number later began later
        _, pid = peer_ids(self._getsockopt)
        process = lineages.process_at(pid)
        return pid if process is not None and process.start <= self._since else 0


def peer_ids(getsockopt: SocketOption) -> tuple[int, int]:
    """Return uid and process id of the other end of a unix socket, looking at nothing else."""
    pid, uid, _ = _credentials(getsockopt)
    return uid, pid


def peer_caller(getsockopt: SocketOption) -> Caller:
    """Describe the process at the other end of a unix socket as it was when it connected, by the socket's options."""
    pid, uid, gid = _credentials(getsockopt)
    callers = Callers()
    try:
        caller = callers.meet_peer(pid, uid, gid, _groups(getsockopt))
    finally:
        callers.close()
    if _has_ended(getsockopt):  # and its number may be another process's
        return caller._replace(executable="", cgroup="", doubt="the process that connected has ended", source=None)
    return caller


def _credentials(getsockopt: SocketOption) -> tuple[int, int, int]:
    pid, uid, gid = _CREDENTIALS.unpack(getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid, gid


def _groups(getsockopt: SocketOption) -> tuple[int, ...] | None:
    try:
        raw = getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, _MOST_GROUPS * _GROUP.size)
    except OSError:
        return None
    return tuple(group for (group,) in _GROUP.iter_unpack(raw))


def _has_ended(getsockopt: SocketOption) -> bool:
    try:
        handle = _open_peer(getsockopt)
    except OSError as error:
        return error.errno == errno.ESRCH  # a kernel without pidfds of peers has another
    try:
        return has_exited(handle)
    finally:
        os.close(handle)


def _open_peer(getsockopt: SocketOption) -> int:
    (handle,) = _DESCRIPTOR.unpack(getsockopt(socket.SOL_SOCKET, _PEER_PIDFD, _DESCRIPTOR.size))
    return int(handle)


def _number(pidfd: int) -> int:
    handle = os.open(f"/proc/self/fdinfo/{pidfd}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        number = os.read(handle, _INFO_BYTES).partition(b"\nPid:\t")[2].partition(b"\n")[0]
    finally:
        os.close(handle)
    return max(0, int(number)) if number.lstrip(b"-").isdigit() else 0

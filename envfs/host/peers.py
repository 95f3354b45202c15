"""The process at the other end of a unix socket, as long as it lives (SO_PEERPIDFD, unix(7)).

A number alone would be that of another process once the first has ended.
"""

import errno
import os
import socket
import sys
from collections.abc import Callable

from envfs.core.access.rule import RuleProcess
from envfs.host import callers, lineages, rule_processes

_PEER_PIDFD = 77
_DESCRIPTOR_BYTES = 4
_INFO_BYTES = 4096


class Peer:
    """The process that connected."""

    def __init__(self, getsockopt: Callable[[int, int, int], bytes], since: float) -> None:
        """Look by the options of a socket that was connected at `since`, in seconds since the boot."""
        self._getsockopt = getsockopt
        self._since = since

    def pid(self) -> int:
        """Return the number of the process. 0 if it has ended, or cannot be told."""
        try:
            raw = self._getsockopt(socket.SOL_SOCKET, _PEER_PIDFD, _DESCRIPTOR_BYTES)
        except OSError as error:
            return self._pid_by_start() if error.errno == errno.ENOPROTOOPT else 0
        descriptor = int.from_bytes(raw, sys.byteorder, signed=True)
        try:
            return _number(descriptor)
        except OSError:
            return 0
        finally:
            os.close(descriptor)

    def process(self) -> RuleProcess | None:
        """Name the process, for what ends with it. None if it has ended, or cannot be told."""
        try:
            raw = self._getsockopt(socket.SOL_SOCKET, _PEER_PIDFD, _DESCRIPTOR_BYTES)
            descriptor = int.from_bytes(raw, sys.byteorder, signed=True)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT or not (pid := self._pid_by_start()):
                return None
            try:
                descriptor = os.pidfd_open(pid)
            except OSError:
                return None
        try:
            return rule_processes.name_process(_number(descriptor), descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _pid_by_start(self) -> int:
        # before Linux 6.5: a process that got the number later began later
        _, pid = callers.peer_ids(self._getsockopt)
        process = lineages.process_at(pid)
        return pid if process is not None and process.start <= self._since else 0


def _number(descriptor: int) -> int:
    handle = os.open(f"/proc/self/fdinfo/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        number = os.read(handle, _INFO_BYTES).partition(b"\nPid:\t")[2].partition(b"\n")[0]
    finally:
        os.close(handle)
    return max(0, int(number)) if number.lstrip(b"-").isdigit() else 0

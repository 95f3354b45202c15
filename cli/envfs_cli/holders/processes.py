"""A process that a listing named: whether it is still that one, and a signal to it and to no other.

Law: a number that was given again is another process. It is looked at through a pidfd, which stays that of one process.
"""

import os
import select
import signal

from envfs.core import origin
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PARENT, _START = 1, 19  # behind the name, in proc_pid_stat(5)
_TICKS = os.sysconf("SC_CLK_TCK")


class NamedProcess(NamedTuple):
    """A process by its number and by what tells it from others with that number (`core.origin.process_key`)."""

    pid: int
    key: str


class ProcessHandle:
    """A pidfd of a process. Raises ProcessLookupError if it has ended, or was another one."""

    def __init__(self, process: NamedProcess) -> None:
        """Open it."""
        self._handle = os.pidfd_open(process.pid)
        try:
            if _key(process.pid) != process.key or self.has_ended(0):
                raise ProcessLookupError
        except BaseException:
            self.close()
            raise

    def send(self, number: int) -> None:
        """Send a signal. Raises OSError if this user may not."""
        signal.pidfd_send_signal(self._handle, number)

    def has_ended(self, seconds: float) -> bool:
        """Tell whether it has ended, or ends within some seconds."""
        return bool(select.select([self._handle], [], [], seconds)[0])

    def close(self) -> None:
        """Let go."""
        os.close(self._handle)


def is_there(process: NamedProcess) -> bool:
    """Tell whether a process still lives here. Never of one whose folder in /proc cannot be seen."""
    try:
        ProcessHandle(process).close()
    except OSError:
        return False
    return True


def has_ended(pid: int) -> bool:
    """Tell whether no process has that number, not even one that cannot be seen."""
    try:
        os.close(os.pidfd_open(pid))
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def cgroup_of(pid: int) -> str:
    """Return the path of a process's cgroup (cgroups(7), version 2). Empty if it cannot be seen."""
    try:
        with open(f"/proc/{pid}/cgroup", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return ""
    return next((os.fsdecode(line[3:]) for line in lines if line.startswith(b"0::")), "")


def own_lineage() -> frozenset[int]:
    """Return the numbers of this process and of those above it."""
    return frozenset(_upwards(os.getpid()))


def _upwards(pid: int) -> "Iterator[int]":
    while pid > 0:
        yield pid
        fields = _stat(pid)
        pid = int(fields[_PARENT]) if fields else 0


def _key(pid: int) -> str:
    fields = _stat(pid)
    if not fields:
        raise ProcessLookupError
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return origin.process_key(file.read().strip(), int(fields[_START]) / _TICKS)


def _stat(pid: int) -> "list[bytes]":
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()
    except OSError:
        return []

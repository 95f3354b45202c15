"""A process and those that it comes from, as they were seen at one moment."""

from collections.abc import Iterable
from typing import NamedTuple

_PSEUDO_TERMINALS = range(136, 144)  # major numbers (Documentation/admin-guide/devices.txt)


class Process(NamedTuple):
    """One process. `start` is in seconds since the machine's boot, `session` the session's id (setsid(2)).

    `terminal` is the device number of the controlling terminal, 0 for none. `program` is the path of its executable,
    `script` its first argument that is no option, `name` the short name that the process has for itself. Each may be
    empty. `parent` is 0 for a process that has none here.
    """

    pid: int
    start: float
    session: int
    uid: int
    terminal: int = 0
    program: str = ""
    script: str = ""
    name: str = ""
    parent: int = 0

    def is_same(self, other: "Process") -> bool:
        """Tell whether both are one process: a number is given again only after its process has ended."""
        return (self.pid, self.start) == (other.pid, other.start)


class Terminal(NamedTuple):
    """A terminal: its path, and when its device was made or last changed, on the wall clock in nanoseconds."""

    path: str
    changed_ns: int


Lineage = tuple[Process, ...]  # the process itself, then its ancestors, the nearest first


def is_complete(lineage: Lineage) -> bool:
    """Tell whether a lineage goes back to the first process."""
    return bool(lineage) and lineage[-1].parent == 0


def is_pseudo_terminal(device: int) -> bool:
    """Tell whether a device is a terminal that a program made, and no console of the machine. 0 is none."""
    return device >> 8 & 0xFFF in _PSEUDO_TERMINALS  # makedev(3)


def sessions(processes: Iterable[Process]) -> frozenset[int]:
    """Return the sessions of some processes. That of the kernel and of what it started itself, 0, is none."""
    return frozenset(process.session for process in processes if process.session > 0)

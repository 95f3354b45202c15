"""Evidence of a process, beside the numbers that the kernel gives with each question.

`host` gathers it, and no more of it than the rules in question need. A rule that names a uid alone costs nothing.

Law: a field tells nothing unless its need is among `seen`. A condition on a field that tells nothing cannot be checked:
a rule that lets the caller in does not match then, and one that keeps it out does.
"""

from enum import StrEnum
from typing import NamedTuple, Protocol


class Need(StrEnum):
    """The pieces of evidence that a rule can ask for."""

    GROUPS = "groups"
    AGE = "age"
    PROGRAM = "program"  # path, device and inode of the executable
    PROGRAM_DIGEST = "program-digest"
    SCRIPT = "script"
    SCRIPT_DIGEST = "script-digest"
    ANCESTORS = "ancestors"
    ANCESTOR_DIGESTS = "ancestor-digests"
    SESSION = "session"
    UNIT = "unit"
    PIDFD = "pidfd"


class ProgramFile(NamedTuple):
    """A file that a process runs: the text of its path, its device and inode, and the SHA-256 of its content in hex.

    `is_there`: in the daemon's own mount namespace the path leads to this very file. `sha256` is empty where it was not
    needed.
    """

    path: str
    device: int = 0
    inode: int = 0
    sha256: str = ""
    is_there: bool = False


class Evidence(NamedTuple):
    """Evidence of one process, at one moment.

    `groups` are its supplementary groups and its primary one. `exec_age` are the seconds since it started its program.
    `ancestors` come nearest first. `session` is the session's id (setsid(2)), `unit` systemd's name for its cgroup.
    `pidfd` is the inode of a pidfd, which names one process for as long as the machine runs. 0: none could be had.
    """

    groups: tuple[int, ...] = ()
    exec_age: float = 0.0
    program: ProgramFile | None = None
    script: ProgramFile | None = None
    ancestors: tuple[ProgramFile, ...] = ()
    session: int = 0
    unit: str = ""
    pidfd: int = 0
    seen: frozenset[Need] = frozenset()


NO_EVIDENCE = Evidence()


class EvidenceSource(Protocol):
    """Looks at one process. A piece that was seen once stays so: a handle is judged by its opener at the open."""

    def gather(self, needs: frozenset[Need]) -> Evidence:
        """Return what was asked for, as far as it can be seen. Never raises."""
        ...

"""The protection of a process's memory."""

from enum import StrEnum

from envfs.tuples import NamedTuple


class MemoryKind(StrEnum):
    """The kinds of memory that secrets are in, from the strongest to the weakest."""

    SECRET = "memfd_secret"  # out of the kernel's own map (memfd_secret(2))
    LOCKED = "locked memory"  # never on a disk (mlock(2))
    UNLOCKED = "memory that is not locked"


class Protection(NamedTuple):
    """The protection of one process, as the kernel reports it.

    `memory` is the weakest kind that secrets are in , `memory_reason` why it is not the best. `landlock`
    is a version, 0 for none. `no_seccomp` says why there is no filter where one was wanted.
    """

    memory: MemoryKind
    memory_reason: str
    core_dumps: bool
    dumpable: bool
    no_new_privs: bool
    landlock: int
    seccomp: bool
    no_seccomp: str

"""The protection of a process's memory."""

from envfs.tuples import NamedTuple


class Protection(NamedTuple):
    """The protection of one process, as the kernel reports it.

    `memory` is the weakest kind that secrets are in (`host.memory`), `memory_reason` why it is not the best. `landlock`
    is a version, 0 for none. `no_seccomp` says why there is no filter where one was wanted.
    """

    memory: str
    memory_reason: str
    core_dumps: bool
    dumpable: bool
    no_new_privs: bool
    landlock: int
    seccomp: bool
    no_seccomp: str

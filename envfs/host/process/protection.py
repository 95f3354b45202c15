"""The protection of this process's memory, as the kernel reports it now and not as it was requested."""

import resource

from envfs.core.protection import Protection
from envfs.host import memory
from envfs.host.libc import LIBC

_GET_DUMPABLE, _GET_SECCOMP, _GET_NO_NEW_PRIVS = 3, 21, 39
_FILTERED = 2


def of_this_process(landlock: int = 0, no_seccomp: str = "") -> Protection:
    """Look at this process. Of Landlock and of a missing filter only the process itself can know."""
    memory_kind = memory.protection()
    return Protection(
        memory=memory_kind.kind,
        memory_reason=memory_kind.reason,
        core_dumps=resource.getrlimit(resource.RLIMIT_CORE)[0] != 0,
        dumpable=LIBC.prctl(_GET_DUMPABLE, 0, 0, 0, 0) != 0,
        no_new_privs=LIBC.prctl(_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
        landlock=landlock,
        seccomp=LIBC.prctl(_GET_SECCOMP, 0, 0, 0, 0) == _FILTERED,
        no_seccomp=no_seccomp,
    )

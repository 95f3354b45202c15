"""Protections that a process with secrets sets up at its start."""

import os
import resource
import signal

from envfs.host.libc import LIBC, last_error

_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS, _AMBIENT, _CLEAR_ALL = 1, 4, 38, 47, 4
_LARGEST_FILE = 1 << 30  # regions count as files. No view comes near


def harden() -> None:
    """No core dump, no reading or tracing by the same uid, no file for others to read, no capability passed on."""
    os.umask(0o077)
    LIBC.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0)  # those that a service manager gave are this process's alone
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_SET_DUMPABLE, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # each view and each client holds a descriptor


def give_up_privileges() -> None:
    """No setuid program gives this process or its children anything any more: not for one that needs fusermount3."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def harden_keyholder() -> None:
    """As `harden`, and: no new privileges, no new files, and an end when the daemon ends."""
    harden()
    give_up_privileges()
    end_with(os.getppid())
    _limit(resource.RLIMIT_FSIZE, _LARGEST_FILE)


def end_with(parent: int) -> None:
    """End when the process `parent`, which forked this one, ends. At once if it has ended already."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _limit(what: int, wanted: int) -> None:
    hard = resource.getrlimit(what)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (limit, limit))


def _prctl(option: int, argument: int) -> None:
    if LIBC.prctl(option, argument, 0, 0, 0) != 0:
        raise last_error("prctl")

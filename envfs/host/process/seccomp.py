"""Seccomp: a process gives up all system calls but listed ones, for good, and for its children (seccomp(2)).

libseccomp makes the filter. It is loaded with this module, because a process that is confined loads nothing any more.
Where it is missing, `confine` says so and changes nothing.

Laws: what is not listed answers EPERM, so that a library goes another way or fails, and nobody is killed by a surprise.
Nothing listed here opens, makes, connects, starts or looks into anything: it works on what the process already has.
"""

import ctypes
import errno
import os
import struct
from typing import NamedTuple

_LIBRARY = "libseccomp.so.2"
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # the latter with an errno in its lower half
_MASKED_EQUAL = 7
INT = 0xFFFFFFFF  # what the kernel looks at of an `int`. The half above it may hold anything
_UNKNOWN = -1
_NUMBERS = {"memfd_secret": 447}  # the same everywhere. An old libseccomp does not know the name

_ALWAYS = (
    # memory
    *("brk", "madvise", "memfd_create", "memfd_secret", "mlock", "mlock2", "mremap", "munlock", "munmap"),
    # what is open already, and the ends of sockets that come as descriptors
    *("close", "close_range", "dup", "dup2", "dup3", "fstat", "fstat64", "lseek", "_llseek"),
    *("read", "readv", "pread64", "write", "writev", "pwrite64"),
    *("fsync", "fdatasync", "ftruncate", "ftruncate64"),
    *("getsockname", "getsockopt", "recvfrom", "recvmsg", "sendmsg", "sendto", "shutdown"),
    *("pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64"),
    # children, threads and signals to itself
    *("fork", "vfork", "wait4", "waitid", "waitpid", "exit", "exit_group", "futex", "futex_time64", "gettid"),
    *("getpid", "getppid", "rseq", "restart_syscall", "sched_getaffinity", "sched_yield", "set_robust_list"),
    *("set_tid_address", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack", "membarrier"),
    # time, chance and who it is
    *("clock_getres", "clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64"),
    *("gettimeofday", "nanosleep", "time", "getrandom", "getuid", "geteuid", "getgid", "getegid"),
)


class Only(NamedTuple):
    """A call that is allowed if each of these arguments, masked, equals a value: (argument, mask, value)."""

    name: str
    tests: tuple[tuple[int, int, int], ...]


class SystemCalls(NamedTuple):
    """The calls that a process keeps: whatever their arguments are, and for some of these."""

    always: tuple[str, ...]
    sometimes: tuple[Only, ...]


FLAGS_OF_CLONE = 1 if os.uname().machine.startswith("s390") else 0
NAMESPACES_AND_TRACING = 0x7E022000
EXECUTABLE = 4
_FDS = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: none tells it to signal
_LOOKS = (3, 21, 39)  # PR_GET_DUMPABLE, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS
_SET_PDEATHSIG, _KILL = 1, 9
_NO_PATH = 0x1000  # AT_EMPTY_PATH
_SOMETIMES = (
    *(Only(name, ((2, EXECUTABLE, 0),)) for name in ("mmap", "mmap2", "mprotect")),
    Only("clone", ((FLAGS_OF_CLONE, NAMESPACES_AND_TRACING, 0),)),
    *(Only(name, ((1, INT, number),)) for name in ("fcntl", "fcntl64") for number in _FDS),
    *(Only(name, ((3, _NO_PATH, _NO_PATH),)) for name in ("newfstatat", "fstatat64")),
    Only("statx", ((2, _NO_PATH, _NO_PATH),)),
    *(Only("prctl", ((0, INT, number),)) for number in _LOOKS),
    Only("prctl", ((0, INT, _SET_PDEATHSIG), (1, INT, _KILL))),  # each child ends with its parent, for good
    Only("prlimit64", ((0, INT, 0), (2, (1 << 64) - 1, 0))),  # its own limits, to look at
)


ON_WHAT_IS_OPEN = SystemCalls(_ALWAYS, _SOMETIMES)


def _load() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_release.argtypes = library.seccomp_load.argtypes = (ctypes.c_void_p,)
    library.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p),
    )
    return library


_library = _load()


def confine_seccomp(calls: SystemCalls = ON_WHAT_IS_OPEN) -> str:
    """Give up all system calls that are not listed. Returns why it could not be done, or the empty string.

    Needs no_new_privs, and one thread.
    """
    if _library is None:
        return f"{_LIBRARY} is not installed"
    context = _library.seccomp_init(_REFUSE | errno.EPERM)
    if not context:
        return f"{_LIBRARY} makes no filter"
    try:
        for name in calls.always:
            _add(_library, context, _ALLOW, name)
        for name, tests in calls.sometimes:
            _add(_library, context, _ALLOW, name, tests)
        # its flags lie in memory, where no filter can look: with this answer a libc takes `clone` instead
        _add(_library, context, _REFUSE | errno.ENOSYS, "clone3")
        _check(_library.seccomp_load(context))
    except OSError as error:
        return f"the filter is refused: {os.strerror(error.errno or errno.EINVAL).lower()}"
    finally:
        _library.seccomp_release(context)
    return ""


def _add(library: ctypes.CDLL, made: int, action: int, name: str, tests: tuple[tuple[int, int, int], ...] = ()) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN:
        number = _NUMBERS.get(name, _UNKNOWN)
    if number != _UNKNOWN:
        packed = b"".join(struct.pack("IIQQ", place, _MASKED_EQUAL, mask, value) for place, mask, value in tests)
        _check(library.seccomp_rule_add_array(made, action, number, len(tests), packed))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, "libseccomp")

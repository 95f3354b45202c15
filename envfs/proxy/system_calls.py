"""The system calls that a proxy keeps once its session has begun (envfs/host/process/seccomp.py).

It needs more than a process that works on what is open: it accepts, connects, asks for names by threads, and loads
modules. Laws: no call starts a program or a child, looks into another process or signals it, makes a namespace or a
mount, makes memory that is written and run, or speaks to a device or a part of the kernel that no name needs.
"""

from typing import Final

from envfs.host.process.seccomp import (
    EXECUTABLE,
    FLAGS_OF_CLONE,
    INT,
    NAMESPACES_AND_TRACING,
    ON_WHAT_IS_OPEN,
    Only,
    SystemCalls,
)

_NOT: Final = frozenset(("fork", "vfork", "wait4", "waitid", "waitpid", "memfd_create", "memfd_secret"))
_FILES: Final = (
    *(
        "open",
        "openat",
        "stat",
        "stat64",
        "lstat",
        "lstat64",
        "newfstatat",
        "fstatat64",
        "statx",
        "access",
        "faccessat",
    ),
    *("faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd"),
)
_NETWORK: Final = (
    *("accept", "accept4", "bind", "connect", "getpeername", "recvmmsg", "sendmmsg", "setsockopt"),
    *("epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2"),
    *("sysinfo", "uname"),  # of the machine: libc sorts addresses and knows its name
)
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_HOW_MUCH, _WITHOUT_WAITING = 0x541B, 0x5421  # FIONREAD, FIONBIO
_THREAD, _WRITABLE, _SET_NAME = 0x00010000, 2, 15
_REPLACED: Final = frozenset(("mmap", "mmap2", "clone", "newfstatat", "fstatat64", "statx"))
_SOMETIMES: Final = (
    *(
        Only(name, ((2, _WRITABLE | EXECUTABLE, bits),))
        for name in ("mmap", "mmap2")
        for bits in (0, _WRITABLE, EXECUTABLE)
    ),
    Only("clone", ((FLAGS_OF_CLONE, NAMESPACES_AND_TRACING | _THREAD, _THREAD),)),
    *(Only("socket", ((0, INT, family),)) for family in (_UNIX, _INET, _INET6)),
    Only("socket", ((0, INT, _NETLINK), (2, INT, 0))),  # of routes: which addresses this machine has
    *(Only("ioctl", ((1, INT, request),)) for request in (_HOW_MUCH, _WITHOUT_WAITING)),
    Only("prctl", ((0, INT, _SET_NAME),)),
)
OF_PROXY: Final = SystemCalls(
    (*(name for name in ON_WHAT_IS_OPEN.always if name not in _NOT), *_FILES, *_NETWORK),
    (*(only for only in ON_WHAT_IS_OPEN.sometimes if only.name not in _REPLACED), *_SOMETIMES),
)

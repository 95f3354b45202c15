"""The system calls that a fenced command does without (seccomp), as a program for bubblewrap.

libseccomp writes it. Laws: a refused call answers EPERM, and one that a libc has another way for ENOSYS. A socket is of
TCP/IP, or asks about interfaces: a path of a socket leads out of a namespace, and so does a virtual machine's own kind.
"""

import ctypes
import errno
import os
import socket
import struct
import termios

from envfs.errors import EnvFSError
from envfs.tuples import NamedTuple

_LIBRARY = "libseccomp.so.2"
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # the latter with an errno in its lower half
_UNEQUAL, _AT_LEAST, _MASKED_EQUAL = 1, 5, 7
_UNKNOWN = -1
_INT = 0xFFFFFFFF
_NUMBERS = {  # the same on all machines since 5.0; an older libseccomp does not know the names
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "open_tree_attr": 467,
    "process_mrelease": 448,
    "lsm_set_self_attr": 460,
    "statmount": 457,
    "listmount": 458,
}
_REFUSED = (
    # other processes' memory, descriptors and fate
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise", "process_mrelease"),
    *("perf_event_open", "userfaultfd", "lsm_set_self_attr"),
    # other views of files, and other namespaces
    *("mount", "umount", "umount2", "pivot_root", "chroot", "setns", "unshare", "open_tree", "open_tree_attr"),
    *("move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at"),
    *("name_to_handle_at", "quotactl", "quotactl_fd", "fanotify_init"),
    # keys, programs in the kernel, and the machine
    *("keyctl", "add_key", "request_key", "bpf", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"),
    *("acct", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "syslog"),
    *("iopl", "ioperm", "modify_ldt", "lookup_dcookie", "nfsservctl", "vhangup", "uselib"),
)
_NAMESPACES = (0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_FAMILIES = tuple(sorted((socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)))
_TYPE = 0xF  # of a socket, without SOCK_CLOEXEC and SOCK_NONBLOCK
_SOCK_PACKET, _ROUTES = 10, 0  # linux/net.h; NETLINK_ROUTE


class _Test(NamedTuple):
    """A condition on an argument of a call."""

    place: int
    how: int
    first: int
    second: int = 0

    def packed(self) -> bytes:
        """As struct scmp_arg_cmp."""
        return struct.pack("IIQQ", self.place, self.how, self.first, self.second)


def filter_program() -> int:
    """Return a descriptor with the program, at its beginning.

    Raises:
        EnvFSError: libseccomp is missing, or makes none
    """
    library = _load()
    context = library.seccomp_init(_ALLOW)
    program = os.memfd_create("envfs-filter", 0)
    try:
        for name in _REFUSED:
            _refuse(library, context, name)
        _refuse_some(library, context)
        _check(library.seccomp_export_bpf(context, program))
    except OSError as error:
        os.close(program)
        raise EnvFSError(f"no filter of system calls can be made: {os.strerror(error.errno or 0).lower()}") from None
    finally:
        library.seccomp_release(context)
    os.lseek(program, 0, os.SEEK_SET)
    return program


def _refuse_some(library: ctypes.CDLL, context: int) -> None:
    flags_of_clone = 1 if os.uname().machine.startswith("s390") else 0
    for flag in _NAMESPACES:
        _refuse(library, context, "clone", _Test(flags_of_clone, _MASKED_EQUAL, flag, flag))
    _refuse(library, context, "clone3", number=errno.ENOSYS)  # its flags lie in memory: a libc takes `clone` then
    for request in (termios.TIOCSTI, 0x541C):  # TIOCLINUX: text for the terminal, as if a person had typed it
        _refuse(library, context, "ioctl", _Test(1, _MASKED_EQUAL, _INT, request))
    # all families but three: below, between and above them
    begin = 0
    for family in _FAMILIES:
        for other in range(begin, family):
            _refuse(library, context, "socket", _Test(0, _MASKED_EQUAL, _INT, other), number=errno.EAFNOSUPPORT)
        begin = family + 1
    _refuse(library, context, "socket", _Test(0, _AT_LEAST, begin), number=errno.EAFNOSUPPORT)
    for kind in (socket.SOCK_RAW, _SOCK_PACKET):
        for family in (socket.AF_INET, socket.AF_INET6):
            tests = (_Test(0, _MASKED_EQUAL, _INT, family), _Test(1, _MASKED_EQUAL, _TYPE, kind))
            _refuse(library, context, "socket", *tests)
    netlink = _Test(0, _MASKED_EQUAL, _INT, socket.AF_NETLINK)
    _refuse(library, context, "socket", netlink, _Test(2, _UNEQUAL, _ROUTES), number=errno.EPROTONOSUPPORT)
    # a pair of datagrams can be sent to a path; a pair of streams is connected for good
    _refuse(library, context, "socketpair", _Test(1, _MASKED_EQUAL, _TYPE, socket.SOCK_DGRAM))


def _refuse(library: ctypes.CDLL, context: int, name: str, *tests: _Test, number: int = errno.EPERM) -> None:
    call = _number_of(library, name)
    if call != _UNKNOWN:
        packed = b"".join(test.packed() for test in tests)
        _check(library.seccomp_rule_add_array(context, _REFUSE | number, call, len(tests), packed))


def _number_of(library: ctypes.CDLL, name: str) -> int:
    number = int(library.seccomp_syscall_resolve_name(name.encode()))
    return _NUMBERS.get(name, number) if number == _UNKNOWN else number


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        raise EnvFSError(f"{_LIBRARY} is not installed, so no system call can be refused") from None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p),
    )
    return library


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, "libseccomp")

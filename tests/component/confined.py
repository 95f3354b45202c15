"""Tries what a keyholder must not do, and what it has to do, and prints how each ended, as JSON.

`python3 -m tests.component.confined FOLDER free|confined` with a victim's pid on standard input; the answer is two
objects: forbidden and needed, each attempt with "did it" or the errno's name.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envfs.host import surprises
from envfs.host.memory import Region
from envfs.host.process import hardening
from envfs.keyholder import confinement
from tests.component.cheap import age_file

FOLDER, MODE = Path(sys.argv[1]), sys.argv[2]
VICTIM = int(sys.stdin.readline())
CHEAP = age_file(b"text", "passphrase")
NEW_USERS = 0x10000000
# the numbers of x86-64; those from 424 on are the same everywhere
_TABLE = """
bpf=321 perf_event_open=298 userfaultfd=323 keyctl=250 add_key=248 kexec_load=246 init_module=175
open_by_handle_at=304 setns=308 mount=165 pivot_root=155 swapon=167 quotactl=179 reboot=169 syslog=103
acct=163 iopl=172 modify_ldt=154 kcmp=312 socketpair=53 accept=43 listen=50 inotify_init=253 shmget=29
msgget=68 semget=64 mq_open=240 io_setup=206 name_to_handle_at=303 timer_create=222 ioctl=16 chdir=80
pidfd_send_signal=424 io_uring_setup=425 open_tree=428 fsopen=430 pidfd_open=434 openat2=437 pidfd_getfd=438
process_madvise=440 mount_setattr=442
"""
CALLS = {name: int(number) for name, number in (word.split("=") for word in _TABLE.split())}
BAD = ctypes.c_void_p(8)  # nothing is there: the kernel answers EFAULT, EINVAL or EBADF if it looks at all
libc = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: object) -> int:
    found: int = libc.syscall(ctypes.c_long(number), *arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), "syscall")
    return found


def raising(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "libc")


def in_child(action: Callable[[], object]) -> None:
    """Do it in a child; OSError with what it ended with."""
    child = os.fork()
    if child == 0:
        status = 255
        try:
            action()
            status = 0
        except OSError as error:
            status = error.errno or 255
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, "in a child")


def executes() -> None:
    in_child(lambda: os.execv("/bin/true", ["true"]))  # noqa: S606


def traces() -> None:
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    raising(libc.ptrace(16, VICTIM, None, None))
    os.waitpid(VICTIM, 0x40000000)
    libc.ptrace(17, VICTIM, None, None)


def moves_memory(name: str) -> None:
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    function = getattr(libc, name)
    function.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
    try:
        raising(function(VICTIM, ctypes.addressof(vector), 1, ctypes.addressof(vector), 1, 0))
    except OSError as error:
        if error.errno != errno.EFAULT:  # nothing is mapped there in the victim: it looked, and that is what counts
            raise


def makes_socket(family: int, kind: int = socket.SOCK_STREAM) -> None:
    socket.socket(family, kind).close()


def maps_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


def turns_data_into_code() -> None:
    held = ctypes.c_char.from_buffer(mmap.mmap(-1, 4096))
    raising(libc.mprotect(ctypes.c_void_p(ctypes.addressof(held)), 4096, 5))


def writes(path: Path) -> None:
    with path.open("w"):
        pass


def reads(path: Path) -> None:
    with path.open("rb") as file:
        file.read(1)


def limits(pid: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    except ValueError:  # that is what `resource` makes of EPERM
        raise PermissionError(errno.EPERM, "prlimit") from None


def prctls(option: int, value: int) -> None:
    raising(libc.prctl(option, value, 0, 0, 0))


made_before, tcp_before = socket.socket(socket.AF_UNIX), socket.socket()
udp_before = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
pair = socket.socketpair()
carried = (FOLDER / "carried").open("w+b", buffering=0)
LISTENER = FOLDER / "listener"

FORBIDDEN: dict[str, Callable[[], object]] = {
    "read a file": lambda: reads(Path("/etc/passwd")),
    "read its own memory map": lambda: reads(Path("/proc/self/maps")),
    "make a file": lambda: writes(FOLDER / "made"),
    "change a file": lambda: writes(FOLDER / "there"),
    "remove a file": (FOLDER / "there").unlink,
    "rename a file": lambda: (FOLDER / "carried").rename(FOLDER / "elsewhere"),
    "make a folder": (FOLDER / "folder").mkdir,
    "list a folder": lambda: os.listdir("/"),
    "look at a path": lambda: os.stat("/etc/passwd"),
    "exec": executes,
    "spawn": lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
    "a unix socket": lambda: makes_socket(socket.AF_UNIX),
    "an IPv4 socket": lambda: makes_socket(socket.AF_INET),
    "an IPv6 socket": lambda: makes_socket(socket.AF_INET6),
    "a UDP socket": lambda: makes_socket(socket.AF_INET, socket.SOCK_DGRAM),
    "a netlink socket": lambda: makes_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "connect to a unix path": lambda: made_before.connect(str(LISTENER)),
    "connect to an address": lambda: tcp_before.connect(("127.0.0.1", PORT)),
    "bind": lambda: udp_before.bind(("127.0.0.1", 0)),
    "trace another process": traces,
    "read another's memory": lambda: moves_memory("process_vm_readv"),
    "write another's memory": lambda: moves_memory("process_vm_writev"),
    "signal another process": lambda: os.kill(VICTIM, 0),
    "signal its parent": lambda: os.kill(os.getppid(), 0),
    "limit another process": lambda: limits(VICTIM),
    "set a limit of its own": lambda: limits(0),
    "be dumpable": lambda: prctls(4, 1),
    "be traced by anybody": lambda: prctls(0x59616D61, -1),
    "live on without its parent": lambda: prctls(1, 0),
    "new namespaces": lambda: in_child(lambda: raising(libc.unshare(NEW_USERS))),
    "a child in new namespaces": lambda: call(56, NEW_USERS | 17, 0, 0, 0, 0) or os._exit(0),
    "another root folder": lambda: in_child(lambda: os.chroot("/")),
    "another user": lambda: in_child(lambda: os.setuid(12)),
    "map code": maps_code,
    "turn data into code": turns_data_into_code,
    "have another signalled": lambda: fcntl.fcntl(pair[0], fcntl.F_SETOWN, VICTIM),
    "look at a terminal": lambda: fcntl.ioctl(carried, 0x5401, bytes(64)),
}
NEEDED: dict[str, Callable[[], object]] = {}


def needed(action: Callable[[], object]) -> Callable[[], object]:
    NEEDED[action.__name__] = action
    return action


@needed
def forks_and_reaps() -> None:
    in_child(lambda: None)


@needed
def starts_a_thread() -> None:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(threading.get_native_id()))
    thread.start()
    thread.join()
    if not seen:
        raise OSError(errno.ECHILD, "no thread")


@needed
def takes_secret_memory() -> None:
    region = Region.create(10_000)
    region.map[:3] = b"abc"
    Region(os.dup(region.descriptor), region.size).close()
    if region.map[:3] != bytes(3):
        raise OSError(errno.EIO, "not shared")
    region.close()


@needed
def takes_ordinary_memory() -> None:
    handle = os.memfd_create("envfs")
    os.ftruncate(handle, 4096)
    held = mmap.mmap(handle, 4096)
    os.close(handle)
    held.madvise(mmap.MADV_DONTDUMP)
    raising(libc.mlock(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(held))), 4096))
    if len(bytearray(1 << 24)) != 1 << 24:
        raise MemoryError


@needed
def works_on_files_that_it_was_given() -> None:
    os.write(carried.fileno(), b"12345")
    os.fsync(carried.fileno())
    if os.pread(carried.fileno(), 5, 0) != b"12345" or os.fstat(carried.fileno()).st_size != 5:
        raise OSError(errno.EIO, "not written")


@needed
def talks_on_sockets_that_it_was_given() -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, carried.fileno().to_bytes(4, sys.byteorder))]
    pair[0].sendmsg([b"hello"], rights)
    data, ancillary, _, _ = pair[1].recvmsg(10, 64)
    os.close(int.from_bytes(ancillary[0][2], sys.byteorder))
    with socket.socket(fileno=os.dup(pair[0].fileno())) as again:
        again.sendall(data)
        again.shutdown(socket.SHUT_WR)
    if pair[1].recv(10) != b"hello":
        raise OSError(errno.EIO, "not said")


@needed
def tells_the_time_and_sleeps() -> None:
    time.time()
    time.monotonic()
    time.clock_gettime(time.CLOCK_BOOTTIME)
    time.sleep(0.001)


@needed
def seals_and_opens() -> None:
    key, nonce = os.urandom(32), os.urandom(12)
    AESGCM(key).decrypt(nonce, AESGCM(key).encrypt(nonce, b"text", b""), b"")
    identity = pyrage.x25519.Identity.generate()
    pyrage.decrypt(pyrage.encrypt(b"text", [identity.to_public()]), [identity])
    pyrage.passphrase.encrypt(b"text", "passphrase")
    pyrage.passphrase.decrypt(CHEAP, "passphrase")  # on a busy machine it may take its own for too much work


@needed
def says_where_it_stumbled() -> None:
    try:
        raise ValueError("never shown")
    except ValueError as error:
        surprises.report_bug(error)


@needed
def sees_its_own_state() -> None:
    for question in (3, 21, 39):  # dumpable, seccomp, no_new_privs
        prctls(question, 0)
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        raise OSError(errno.EIO, "not as it was made")


def raw(name: str) -> Callable[[], object]:
    return lambda: call(CALLS[name], BAD, BAD, BAD, BAD, BAD)


if os.uname().machine == "x86_64":
    FORBIDDEN |= {name: raw(name) for name in CALLS if CALLS[name] < 424}
FORBIDDEN |= {name: raw(name) for name in CALLS if CALLS[name] >= 424}


def ended(action: Callable[[], object]) -> str:
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno or errno.EIO]
    return "did it"


with socket.socket() as far, socket.socket(socket.AF_UNIX) as near:
    far.bind(("127.0.0.1", 0))
    far.listen()
    near.bind(str(LISTENER))
    near.listen()
    PORT = far.getsockname()[1]
    (FOLDER / "there").touch()
    hardening.harden_keyholder()
    if MODE == "confined":
        found = confinement.confine_keyholder()
        sys.stderr.write(f"{found}\n")
    answers = [{name: ended(action) for name, action in part.items()} for part in (FORBIDDEN, NEEDED)]
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os.write(1, json.dumps(answers).encode())

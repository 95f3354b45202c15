"""Attempts at namespaces, mounts and what belongs to the kernel."""

import contextlib
import ctypes
import mmap
import os
import signal
import struct
from pathlib import Path

from tests.system.escapes.trying import Attempt, forbidden


def other_namespace() -> object:
    """Enter the network of the first process here."""
    return forbidden("setns", os.open("/proc/1/ns/net", os.O_RDONLY), 0)()


def change_kernel(path: str) -> object:
    """Write to a file of the kernel."""
    with open(path, "r+b", buffering=0):
        return "open"


def become_root() -> object:
    """Gain rights by a setuid program, or by the numbers of another user."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    rights = [line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapBnd"))]
    if any(int(line.split()[1], 16) for line in rights):
        return rights
    if "NoNewPrivs:\t1" not in status:
        return "new privileges"
    os.setuid(0 if os.getuid() else 1)
    return "another user"


def open_device() -> object:
    """Open a device that leads out: FUSE, memory, disks, the log and terminals of the kernel, virtual machines."""
    named = (
        "fuse",
        "mem",
        "kmem",
        "port",
        "kmsg",
        "kvm",
        "vhost-vsock",
        "vhost-net",
        "net/tun",
        "tty0",
        "tty1",
        "console",
    )
    disks = ("sda", "vda", "nvme0n1", "loop-control", "mapper/control", "uinput", "hpet", "snapshot", "userfaultfd")
    opened = []
    for name in (*named, *disks):
        for flags in (os.O_RDONLY, os.O_RDWR):
            with contextlib.suppress(OSError):
                os.close(os.open(f"/dev/{name}", flags | os.O_NONBLOCK | os.O_NOCTTY))
                opened.append(name)
    return opened or None


def join_group() -> object:
    """Join, make or change a control group."""
    done = []
    for name in ("cgroup.procs", "release_agent", "notify_on_release", "cgroup.kill"):
        with contextlib.suppress(OSError), open(f"/sys/fs/cgroup/{name}", "r+b", buffering=0):
            done.append(name)
    with contextlib.suppress(OSError):
        os.mkdir("/sys/fs/cgroup/envfs-escaped")
        done.append("made")
    return done or None


def call_of_another_machine() -> object:
    """Make a system call by the numbers of 32 bits, where the family of a socket has another place."""
    if os.uname().machine != "x86_64":
        return None
    code = b"\xb8\x67\x01\0\0\xbb\x01\0\0\0\xb9\x01\0\0\0\x31\xd2\xcd\x80\xc3"  # socket(AF_UNIX, SOCK_STREAM, 0)
    child = os.fork()
    if child == 0:
        memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        memory.write(code)
        result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
        os._exit(0 if result >= 0 else 1)
    return None if os.waitpid(child, 0)[1] else "made"


def dump_core() -> object:
    """Have the kernel run a program of our own choice with a dump: by its pattern, and by a limit."""
    Path("/proc/self/coredump_filter").write_text("0xff", encoding="ascii")
    with contextlib.suppress(OSError):
        Path("/proc/sys/kernel/core_pattern").write_text("|/tmp/program", encoding="ascii")
        return "written"
    with contextlib.suppress(OSError):
        Path("/proc/sys/fs/suid_dumpable").write_text("2", encoding="ascii")
        return "written"
    return None


def make_device() -> object:
    """Make the node of a disk."""
    os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))
    return "made"


ATTEMPTS: dict[str, Attempt] = {
    "keyctl": forbidden("keyctl", 0, -3, 0),
    "add_key": forbidden("add_key", b"user", b"envfs", b"x", 1, -3),
    "request_key": forbidden("request_key", b"user", b"envfs", b"", -3),
    "bpf": forbidden("bpf", 0, 0, 0),
    "io_uring": forbidden("io_uring_setup", 1, ctypes.create_string_buffer(256)),
    "perf_event_open": forbidden("perf_event_open", 0, 0, -1, -1, 0),
    "userfaultfd": forbidden("userfaultfd", 1),
    "user namespace": forbidden("unshare", 0x10000000),
    "network namespace": forbidden("unshare", 0x40000000),
    "namespace by clone": forbidden("clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0),
    "namespace by clone3": forbidden("clone3", ctypes.create_string_buffer(struct.pack("Q", 0x10000000), 64), 64),
    "another namespace": other_namespace,
    "mount": forbidden("mount", b"none", b"/tmp", b"tmpfs", 0, b""),
    "unmount": forbidden("umount2", b"/run", 2),
    "pivot_root": forbidden("pivot_root", b"/tmp", b"/tmp"),
    "open_tree": forbidden("open_tree", -100, b"/", 1),
    "move_mount": forbidden("move_mount", -100, b"/", -100, b"/tmp", 0),
    "fsopen": forbidden("fsopen", b"tmpfs", 0),
    "file handle": forbidden("open_by_handle_at", -100, ctypes.create_string_buffer(136), 0),
    "handle of a file": forbidden("name_to_handle_at", -100, b"/", ctypes.create_string_buffer(136), 0, 0),
    "core pattern": lambda: change_kernel("/proc/sys/kernel/core_pattern"),
    "sysrq": lambda: change_kernel("/proc/sysrq-trigger"),
    "uevent helper": lambda: change_kernel("/sys/kernel/uevent_helper"),
    "modprobe": lambda: change_kernel("/proc/sys/kernel/modprobe"),
    "rights": become_root,
    "device": make_device,
    "open devices": open_device,
    "control groups": join_group,
    "calls of another machine": call_of_another_machine,
    "core dumps": dump_core,
    "io_uring by a ring": forbidden("io_uring_enter", 0, 1, 1, 1, 0, 0),
    "chroot": forbidden("chroot", b"/tmp"),
    "fanotify": forbidden("fanotify_init", 0, 0),
    "module": forbidden("init_module", b"", 0, b""),
}

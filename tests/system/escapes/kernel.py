"""Attempts at namespaces, mounts and what belongs to the kernel."""

import ctypes
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
}

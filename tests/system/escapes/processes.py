"""Attempts at other processes: their memory, files, descriptors, and the terminal."""

import contextlib
import ctypes
import errno
import os
import struct
import termios
from pathlib import Path

from tests.system.escapes.trying import LIBC, Attempt, call, forbidden, number, text


def outside(what: str) -> object:
    """Read something of a process outside."""
    return Path(f"/proc/{number('pid')}/{what}").read_bytes()[:64] or "read"


def root_of_first() -> object:
    """Look for what is hidden below the root of the first process here."""
    return Path(f"/proc/1/root{text('hidden')}").read_bytes() or None


def environment_of_first() -> object:
    """Look for a value in the environment, the words and the descriptors of the first process here."""
    data = Path("/proc/1/environ").read_bytes() + Path("/proc/1/cmdline").read_bytes()
    leads = [os.readlink(f"/proc/1/fd/{name}") for name in os.listdir("/proc/1/fd")]
    out = [lead for lead in leads if os.path.isdir(lead) or lead.startswith("socket:")]
    return out or (data if text("ambient").encode() in data else None)


def memory_of_first() -> object:
    """Write to the memory of the first process here."""
    with open("/proc/1/mem", "r+b", buffering=0):
        return "open"


def trace(pid: int) -> object:
    """Trace a process."""
    return call("ptrace", 16, pid)


def vm_read(name: str) -> object:
    """Read or write another process's memory."""
    buffer = ctypes.create_string_buffer(8)
    piece = struct.pack("PN", ctypes.addressof(buffer), 8)
    return call(name, os.getppid(), piece, 1, piece, 1, 0)


def take_descriptor() -> object:
    """Take a copy of another process's descriptor."""
    return call("pidfd_getfd", call("pidfd_open", 1), 0)


def kill_outside() -> object:
    """Signal a process outside."""
    os.kill(number("pid"), 0)
    return "reached"


def type_into_terminal() -> object:
    """Put a sign into the terminal, as if a person had typed it."""
    for request in (termios.TIOCSTI, 0x541C, termios.TIOCSTI + (1 << 32)):
        with contextlib.suppress(OSError, OverflowError):
            LIBC.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p)
            if LIBC.ioctl(0, request, b"x") == 0:
                return "typed"
            if ctypes.get_errno() not in (errno.EPERM, 0):
                return f"not refused by the fence: {ctypes.get_errno()}"
    return None


ATTEMPTS: dict[str, Attempt] = {
    "root of a process outside": lambda: outside(f"root{text('hidden')}"),
    "environment of a process outside": lambda: outside("environ"),
    "memory of a process outside": lambda: outside("mem"),
    "signal to a process outside": kill_outside,
    "root of the first process": root_of_first,
    "environment of the first process": environment_of_first,
    "memory of the first process": memory_of_first,
    "ptrace": lambda: trace(os.getppid()),
    "ptrace of oneself": forbidden("ptrace", 0),
    "process_vm_readv": lambda: vm_read("process_vm_readv"),
    "process_vm_writev": lambda: vm_read("process_vm_writev"),
    "pidfd_getfd": take_descriptor,
    "kcmp": forbidden("kcmp", 1, 1, 0, 0, 0),
    "process_madvise": forbidden("process_madvise", -1, 0, 0, 0, 0),
    "terminal": type_into_terminal,
}

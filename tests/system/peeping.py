"""Tries every way into another process's memory, and prints how each ended, as JSON. Run with `python3 -I -S -c`.

The argument is the process's id; the answer is an object: the way, and "did it" or the errno's name.
"""

import ctypes
import errno
import json
import os
import sys
from collections.abc import Callable

PID = int(sys.argv[1])
ATTACH, DETACH, SEIZE = 16, 17, 0x4206
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
libc.process_vm_readv.argtypes = (
    *(ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong),
)


def _raising(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "libc")
    return result


def _traces(how: int) -> None:
    _raising(libc.ptrace(how, PID, None, None))
    if how == ATTACH:
        os.waitpid(PID, 0x40000000)
        libc.ptrace(DETACH, PID, None, None)


def _reads(name: str) -> None:
    handle = os.open(f"/proc/{PID}/{name}", os.O_RDONLY)
    try:
        if name != "mem":
            os.read(handle, 1)
    finally:
        os.close(handle)


def _vm_reads() -> None:
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    try:
        _raising(libc.process_vm_readv(PID, ctypes.addressof(vector), 1, ctypes.addressof(vector), 1, 0))
    except OSError as error:
        if error.errno != errno.EFAULT:  # nothing is mapped there: it looked, and that is what counts
            raise


def _takes_descriptor() -> None:
    handle = os.pidfd_open(PID)
    os.close(_raising(libc.syscall(438, handle, 0, 0)))


WAYS = {
    **{f"/proc/PID/{name}": lambda name=name: _reads(name) for name in ("mem", "environ", "maps", "smaps", "auxv")},
    "/proc/PID/mem for writing": lambda: os.close(os.open(f"/proc/{PID}/mem", os.O_WRONLY)),
    "/proc/PID/fd": lambda: os.listdir(f"/proc/{PID}/fd"),
    "/proc/PID/map_files": lambda: os.listdir(f"/proc/{PID}/map_files"),
    "/proc/PID/cwd": lambda: os.readlink(f"/proc/{PID}/cwd"),
    "/proc/PID/exe": lambda: os.readlink(f"/proc/{PID}/exe"),
    "process_vm_readv": _vm_reads,
    "PTRACE_ATTACH": lambda: _traces(ATTACH),
    "PTRACE_SEIZE": lambda: _traces(SEIZE),
    "pidfd_getfd": _takes_descriptor,
}


def _ended(action: Callable[[], object]) -> str:
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "did it"


print(json.dumps({name: _ended(action) for name, action in WAYS.items()}))

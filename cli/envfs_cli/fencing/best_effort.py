"""The part of a fence that needs no namespaces: variables, descriptors, and system calls. The other parts are named."""

import ctypes
import os

from envfs.errors import EnvFSError
from envfs_cli import output
from envfs_cli.fencing import system_calls

_SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_INSTRUCTION = 8  # bytes


def fence_without_namespaces(reason: str) -> None:
    """Give up for good what this process and its command can do without, and say what is left open."""
    open_ways = "it reaches the network past the proxy, other processes of this user, and all files"
    output.note(f"{reason}: the command is not fenced, {open_ways}")
    try:
        program = system_calls.filter_program()
    except EnvFSError as error:
        output.note(f"{error.text}: it reaches the sockets of services as well")
    else:
        _load(program)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _load(program: int) -> None:
    code = os.pread(program, 1 << 16, 0)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    loaded = Program(len(code) // _INSTRUCTION, code)
    zero = ctypes.c_ulong(0)
    if libc.prctl(_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) or libc.prctl(
        _SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(loaded), zero, zero
    ):
        output.note("no system call can be refused: it reaches the sockets of services as well")

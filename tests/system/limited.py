"""Runs a command where secret memory is missing, as on another machine: a filter of system calls, or a low limit.

`python3 limited.py no-memfd-secret|forbidden|memlock=KIB COMMAND …`. The filter stays with all that is started.
"""

import ctypes
import errno
import os
import resource
import struct
import sys

_MEMFD_SECRET = 447
_SECCOMP, _NO_NEW_PRIVS, _FILTER = 22, 38, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def without_memfd_secret(answer: int) -> None:
    """Make the call fail with an errno, for good."""
    program = [
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 1, _MEMFD_SECRET),
        (_RETURN, 0, 0, _ERRNO | answer),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filtering = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong)
    if libc.prctl(_NO_NEW_PRIVS, 1, None, 0, 0) or libc.prctl(_SECCOMP, _FILTER, filtering, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def limit(how: str) -> None:
    """Take secret memory away from this process and those that it starts."""
    if how.startswith("memlock="):
        size = int(how.removeprefix("memlock=")) << 10
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (size, size))
    else:
        without_memfd_secret({"no-memfd-secret": errno.ENOSYS, "forbidden": errno.EPERM}[how])


if __name__ == "__main__":
    limit(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606

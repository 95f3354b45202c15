"""The C library, for the system calls that Python has no function for: loaded once, its errors as OSError.

Sources: prctl(2), mlock(2), umount2(2), memfd_secret(2), landlock(7), keyctl(2), openat2(2).
"""

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
LIBC.memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def last_error(what: str = "") -> OSError:
    """Return the error of the call before, as its errno has it; `what` names the call where its errno alone would not.

    Call it at once: the next call of the C library may set another.
    """
    number = ctypes.get_errno()
    return OSError(number, what or os.strerror(number))

"""What attempts to get out of a fence share. Each returns what it got, which is a hole, or None, or fails.

The facts say where things are outside.
"""

import ctypes
import errno
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
SECONDS = 20.0
FACTS: dict[str, object] = {}
Attempt = Callable[[], object]
_NAMES = ctypes.CDLL("libseccomp.so.2")
_NEWER = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "pidfd_open": 434,
    "clone3": 435,
}
_NEWER |= {"pidfd_getfd": 438, "process_madvise": 440}  # the same on all machines


def call(name: str, *arguments: object) -> int:
    """Make a system call. Raises OSError if it fails."""
    number = _NEWER.get(name, 0) or _NAMES.seccomp_syscall_resolve_name(name.encode())
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *words, *[ctypes.c_long(0)] * (6 - len(words)))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return int(result)


def text(name: str) -> str:
    """Return a fact that is text."""
    return str(FACTS[name])


def number(name: str) -> int:
    """Return a fact that is a number."""
    return int(str(FACTS[name]))


def forbidden(name: str, *arguments: object) -> Attempt:
    """Return the attempt to make a system call that a fence refuses as such."""

    def attempt() -> object:
        try:
            return call(name, *arguments)
        except OSError as error:
            return None if error.errno in (errno.EPERM, errno.ENOSYS) else f"not refused by the fence: {error.errno}"

    return attempt

"""A secret that came in an environment variable, taken out of the environment for good.

Law: it is wiped where the kernel shows it. Otherwise a command that this process starts, and waits for, would read it
in /proc/PID/environ (proc_pid_environ(5)), which shows the memory that a program was started with.
"""

import ctypes
import os


def take_secret(name: str) -> str | None:
    """Return the value of a variable, and wipe it. None if there is none."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    place = libc.getenv(name.encode())
    value = os.environ.pop(name, None)  # a copy, made as the interpreter started
    if place:
        ctypes.memset(place, ord("x"), len(ctypes.string_at(place)))  # zeros would be ends of further entries
    return value

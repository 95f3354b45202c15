"""Bytes that a command is handed in memory: a descriptor of the command holds them, and a path leads to them.

Law: the path is gone with the process, so no copy of the environment has more than that.
"""

import fcntl
import os

_OUT_OF_THE_WAY = 100  # scripts and shells open descriptors of low numbers for themselves
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def new_memory(name: str, data: bytes) -> int:
    """Return a descriptor of memory with these bytes, at its end."""
    memory = os.memfd_create(name, os.MFD_ALLOW_SEALING)
    unwritten = memoryview(data)
    while unwritten:
        unwritten = unwritten[os.write(memory, unwritten) :]
    return memory


def share_bytes(name: str, data: bytes) -> str:
    """Return the path of memory with these bytes, for this process and the command that it becomes.

    Raises:
        OSError: there is no descriptor to be had
    """
    memory = new_memory(name, data)
    os.fchmod(memory, 0o444)  # for a command that goes on as another user
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
    try:
        handle = fcntl.fcntl(memory, fcntl.F_DUPFD, _OUT_OF_THE_WAY)
        os.close(memory)
    except OSError:  # so many cannot be open here
        handle = memory
    return f"/proc/{os.readlink('/proc/self')}/fd/{handle}"

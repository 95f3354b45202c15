"""The start of a keyholder, apart from the conversations with it.

Law: it loads next to nothing, so the daemon starts its keyholder first, and loads itself while that one does the same.
"""

import errno
import os
import socket
import subprocess
import sys
from typing import NamedTuple

from envfs import interpreter
from envfs.errors import MountFailed

_LIMITS = {errno.EMFILE, errno.EAGAIN, errno.ENOMEM}  # which the daemon names by its own limits


class StartedKeyholder(NamedTuple):
    """A keyholder that was started, and the daemon's end of the socket pair between the two."""

    process: subprocess.Popen[bytes]
    socket: socket.socket


def start_keyholder() -> StartedKeyholder:
    """Start a keyholder. It holds nothing yet, and ends when this process does.

    Raises:
        MountFailed: its program cannot be run
        OSError: this process is at a limit
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = start_part("envfs.keyholder.__main__", theirs.fileno(), {})
        except OSError as error:
            ours.close()
            if error.errno in _LIMITS:
                raise
            reason = os.strerror(error.errno or 0).lower()
            raise MountFailed(f"the keyholder cannot be started: {reason}", f"look at {sys.executable}") from None
    ours.setblocking(False)
    return StartedKeyholder(process, ours)


def start_part(module: str, descriptor: int, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process that is given one descriptor, an environment, and nothing else."""
    command = interpreter.start_command(module, str(descriptor))
    return subprocess.Popen(command, pass_fds=(descriptor,), stdin=subprocess.DEVNULL, cwd="/", env=environ)

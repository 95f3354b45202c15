"""Daemons that are forked from a process which has loaded them, where how a daemon is started is not what is tested.

A daemon costs half a second of a processor, and nearly all of it is the load of its modules. What runs is the daemon as
`envfs mount` starts it: in a process and a session of its own, with its log, a keyholder that is started, and no
descriptor but its own. Its environment is what /proc shows of it, as the tests find their processes by that.
"""

import array
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from envfs.errors import from_code
from tests.system.peer import SECONDS, Peer

_PROGRAM = str(Path(__file__).with_name("forking.py"))
_ROOM = 1 << 14  # bytes of environment that the process is started with, for those that are forked from it


class Nursery:
    """A process that has loaded the daemon and forks one for each order. It ends when this process does."""

    def __init__(self) -> None:
        """Start it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", _PROGRAM, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                cwd="/",
                env={"ENVFS_ROOM": "." * _ROOM},
                start_new_session=True,
            )
        self._socket = ours

    def start(self, environ: Mapping[str, str], log: Path) -> None:
        """Start a daemon, and wait until it serves.

        Raises:
            EnvFSError: it refuses to
            EOFError: it has ended
        """
        log.parent.mkdir(mode=0o700, exist_ok=True)
        ours, theirs = socket.socketpair()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with theirs, os.fdopen(handle, "wb") as file:
            rights = array.array("i", [theirs.fileno(), file.fileno()])
            message = json.dumps(dict(environ)).encode()
            self._socket.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        with Peer(ours) as peer:
            peer.socket.settimeout(2 * SECONDS)
            reply = peer.receive()
        if reply["type"] != "done":
            raise from_code(str(reply["code"]), str(reply["text"]), str(reply["hint"]))

    def end(self) -> None:
        """End it. The daemons that it has forked go on."""
        self._socket.close()
        self._process.wait(SECONDS)


@functools.cache
def nursery() -> Nursery:
    """Return the one of this process, which is started when it is needed first."""
    return Nursery()


def end_nursery() -> None:
    """End it, if there is one."""
    if nursery.cache_info().currsize:
        nursery().end()
        nursery.cache_clear()

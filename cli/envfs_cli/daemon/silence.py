"""A daemon that says nothing, or nothing that is understood: is it worth a wait, and what is a person told."""

import _socket  # as in `client`
import os
import sys

from envfs.errors import BadRequest, TimedOut
from envfs.protocol import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

_PEER_BYTES = 12  # of a struct ucred: pid, uid, gid


def silent_daemon(connection: "_socket.socket | None") -> TimedOut:
    """Return the error for a daemon that says nothing."""
    hint = "is its process stopped, or the machine very busy?"
    if connection is not None:
        pid = _server(connection)
        if pid not in (0, os.getpid()):
            hint = f"if its process is stopped, `kill -CONT {pid}` lets it go on, and `kill -KILL {pid}` ends it"
    return TimedOut("the daemon does not answer", hint)


def _server(connection: "_socket.socket") -> int:
    # its process id, 0 for one in another namespace
    return int.from_bytes(
        connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _PEER_BYTES)[:4], sys.byteorder
    )


def is_stopped(connection: "_socket.socket") -> bool:
    """Tell whether the daemon is stopped, in another namespace, ended, or hidden: nothing is worth a wait then."""
    try:
        with open(f"/proc/{_server(connection)}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] in b"TtZX"
    except OSError:
        return True


def strange_answer(error: BadRequest) -> BadRequest:
    """Return the error for an answer that is none."""
    hint = "is it of another release? `envfs unmount` ends it, and `envfs mount` starts it again"
    return BadRequest(f"the daemon's answer is not understood: {error.text}", hint)


def is_harmless(request: "NamedTuple") -> bool:
    """Tell whether a request may be asked twice."""
    reads = (control.ReadView, control.DescribeView, control.ListVariables, control.ListPresence, control.ListLevels)
    lists = (control.ListHistory, control.ListGrants, control.ListProjects, control.ListKeys, control.ListReaders)
    return isinstance(request, (*reads, *lists, control.Status, control.CheckWrite, control.Diagnose))

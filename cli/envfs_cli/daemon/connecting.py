"""A connection to a daemon's socket, of which it is known who answers.

Law: before anything is sent, the server's uid is checked. It is this user's or root's, or that of the system's service:
root alone makes its folder, and the owner of that is whom root chose.
"""

import _socket  # the bare socket: the module around it costs the client a third of its start
import os
import sys

from envfs import locations
from envfs.errors import NotApproved

PATIENCE = 10  # seconds that a daemon may say nothing
_BY_OTHERS = 0o022  # may be written by others
_PEER = 12  # bytes of a struct ucred (pid, uid, gid)
_LONG = 8 if sys.maxsize > 1 << 32 else 4  # bytes. Struct timeval is two of them


def connect_to(path: str) -> "_socket.socket | None":
    """Connect to the socket at a path. Return None if no daemon answers there.

    Raises:
        NotApproved: this user may not reach it, or somebody else answers
        TimedOut: its queue is full, and stays so
    """
    try:
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    except OSError:  # the kernel refuses its family: in a fence
        from envfs_cli.daemon import fence_gateway

        return fence_gateway.connect_in_fence()
    be_patient(connection, PATIENCE)  # it holds for `connect` too, whose queue may be full
    try:
        connection.connect(path)
    except BlockingIOError:
        connection.close()
        from envfs_cli.daemon import silence

        raise silence.silent_daemon(None) from None
    except PermissionError:
        connection.close()
        raise NotApproved(f"uid {os.geteuid()} may not reach the daemon at {path}", "ask its owner") from None
    except OSError:
        connection.close()
        return None
    _check_server(connection, path)
    return connection


def be_patient(connection: "_socket.socket", seconds: int) -> None:
    """Have each wait for the other end take so long at most."""
    moment = seconds.to_bytes(_LONG, sys.byteorder) + bytes(_LONG)
    for option in (_socket.SO_RCVTIMEO, _socket.SO_SNDTIMEO):
        connection.setsockopt(_socket.SOL_SOCKET, option, moment)


def _check_server(connection: "_socket.socket", path: str) -> None:
    # somebody else's socket in our place would be sent our secrets
    server = server_uid(connection)
    if server not in (os.geteuid(), 0) and not _is_service(server, path):
        connection.close()
        raise NotApproved(
            f"the daemon at {path} runs as uid {server}, who is neither you nor root, so nothing was sent to it",
            "look at ENVFS_HOME and XDG_RUNTIME_DIR",
        )


def _is_service(server: int, path: str) -> bool:
    folder = locations.system_locations().runtime
    try:
        status = os.lstat(folder)
    except OSError:
        return False
    return path.rpartition("/")[0] == folder and status.st_uid == server and not status.st_mode & _BY_OTHERS


def server_uid(connection: "_socket.socket") -> int:
    """Return who answers."""
    raw = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _PEER)
    return int.from_bytes(raw[4:8], sys.byteorder)

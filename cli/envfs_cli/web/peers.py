"""The other end of a connection to this machine's own address: the user, and the process.

The kernel lists its TCP sockets in /proc/net/tcp (proc_net_tcp.rst of its documentation): addresses in hexadecimal as
the machine orders bytes, the uid of the one who made the socket, and its inode, 0 once it is closed.
"""

import contextlib
import os
import sys

from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Address = tuple[str, int | None]

_LOCAL, _REMOTE, _UID, _INODE = 1, 2, 7, 9  # columns
_STAT_START = 19  # of /proc/PID/stat (proc(5)), counted behind the name


class LocalPeer(NamedTuple):
    """The other end of a connection: the user who made its socket, and the socket."""

    uid: int
    inode: int


def find_peer(theirs: "Address", ours: "Address") -> "LocalPeer | None":
    """Return who connected from `theirs` to `ours`, both of IPv4. None if nobody has that open here any more."""
    try:
        with open("/proc/net/tcp", encoding="ascii") as file:
            return peer_in(file, theirs, ours)
    except OSError:
        return None


def peer_in(table: "Iterable[str]", theirs: "Address", ours: "Address") -> "LocalPeer | None":
    """Find the other end in the lines of a table of sockets."""
    ends = _written(theirs), _written(ours)
    for line in table:
        words = line.split()
        if len(words) > _INODE and (words[_LOCAL], words[_REMOTE]) == ends:
            inode = int(words[_INODE])
            return LocalPeer(int(words[_UID]), inode) if inode else None
    return None


def _written(address: "Address") -> str:
    host, port = address
    number = int.from_bytes(bytes(map(int, host.split("."))), sys.byteorder)
    return f"{number:08X}:{port or 0:04X}"


def process_of(peer: LocalPeer) -> str:
    """Return a name for the process that has a socket, as no other process has it. Empty if it cannot be seen."""
    target = f"socket:[{peer.inode}]"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it ended, or hides
            if os.stat(f"/proc/{pid}").st_uid == peer.uid and target in _open_in(pid):
                return f"{pid}-{_start_of(pid)}"
    return ""


def _open_in(pid: str) -> "Iterator[str]":
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):  # it was closed just now, as a browser does all the time
            yield os.readlink(f"/proc/{pid}/fd/{number}")


def _start_of(pid: str) -> str:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b") ")[2].split()[_STAT_START].decode()

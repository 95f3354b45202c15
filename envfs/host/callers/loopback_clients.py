"""The process at the other end of a connection over 127.0.0.1, as far as its environment tells of it.

Laws: a process that cannot be looked at is none. Its environment and its open files are read once and not kept. All of
it is for a thread: another process can let it wait.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from envfs import safe_open
from envfs.host.evidence.process_files import environment_word, open_paths, process_folder, process_numbers

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")  # proc_net_tcp(5)
_HERE = ("0100007F", "0000000000000000FFFF00000100007F")  # 127.0.0.1, and the same as an IPv6 address
_LARGEST = 16 << 20  # bytes of a table


class LoopbackSocket(NamedTuple):
    """The socket of a client: whose it is, and its inode."""

    uid: int
    inode: int


def socket_of(client_port: int, server_port: int) -> LoopbackSocket | None:
    """Return the socket of the client of a connection. None if there is none in this network namespace."""
    ends = "|".join(rf"{here}:{client_port:04X} {here}:{server_port:04X}" for here in _HERE)
    line = re.compile(rf"^ *\d+: (?:{ends}) \S+ \S+ \S+ \S+ +(\d+) +\d+ (\d+) ".encode(), re.MULTILINE)
    for table in _TABLES:
        with suppress(OSError):
            match = line.search(safe_open.read_file(table, _LARGEST, follow=True))
            if match:
                return LoopbackSocket(int(match[1]), int(match[2]))
    return None


def has_variable_with(socket: LoopbackSocket, name: str, text: str) -> bool:
    """Tell whether a process that has a socket open was started with a variable that has a text in it."""
    here = f"socket:[{socket.inode}]"
    return any(here in paths for paths in _open_in_processes(socket.uid, name.encode(), text.encode()))


def _open_in_processes(uid: int, name: bytes, text: bytes) -> Iterator[set[str]]:
    for pid in process_numbers():
        with suppress(OSError), process_folder(pid) as folder:
            if os.fstat(folder).st_uid == uid and text in environment_word(folder, name):
                yield open_paths(folder)

"""Receiving from a client of another user: bytes, and descriptors of memory. No file system of theirs lets us wait.

The owner of a file system in user space answers when it likes, and `fstat` and `close` ask it (FUSE_GETATTR and
FUSE_FLUSH). Our own mount is asked of this very loop. So a descriptor is taken from the socket by a thread that has a
table of descriptors to itself (close_range(2), CLOSE_RANGE_UNSHARE). It hands on what is memory, and closes the rest.

Laws: the table of the daemon never has a descriptor of another user's that is no memory, and the loop asks nothing of
one. A thread that a file system lets wait does so alone. A user with too many of these gets no descriptor across.
"""

import array
import contextlib
import fcntl
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import trio

from envfs.host import descriptor_tables

_BYTES = 1 << 16
_MOST_CLOSING = 4  # threads of one user that wait for a file system


class Arrival(NamedTuple):
    """Bytes, the descriptors that came with them and may be used, and how many came.

    Some of these are no memory and not here. `is_cut` says that there were too many.
    """

    data: bytes
    descriptors: Sequence[int] = ()
    number: int = 0
    is_cut: bool = False


class Arrivals:
    """Receives for the connections of a daemon."""

    def __init__(self) -> None:
        """Start with no thread."""
        self._closing: Counter[int] = Counter()  # threads that close what is no memory, by uid
        self._lock = threading.Lock()

    async def receive(self, sock: socket.socket, uid: int, most: int) -> Arrival:
        """Return what waits at a socket of a user that is readable: with `most` descriptors at most, all memory."""
        if not _has_descriptors(sock):
            return Arrival(sock.recv(_BYTES))
        if self._closing[uid] >= _MOST_CLOSING:
            return Arrival(sock.recvmsg(_BYTES)[0], is_cut=True)  # the kernel lets go of them, and asks nobody
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            taking = _Taking(sock.fileno(), theirs.fileno(), most)
            try:
                threading.Thread(target=self._take, args=(taking, uid), daemon=True).start()
            except RuntimeError:  # no more threads
                return Arrival(sock.recvmsg(_BYTES)[0], is_cut=True)
            with trio.CancelScope(shield=True):  # it waits for nothing until it has answered
                await trio.lowlevel.wait_readable(ours)
            descriptors = received_descriptors(ours, most)[1]
        return taking.arrival._replace(descriptors=descriptors)

    def _take(self, taking: "_Taking", uid: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # or a handler would write to this table
        unwanted = taking.answer()
        if not unwanted:
            return
        with self._lock:
            self._closing[uid] += 1
        descriptor_tables.close_in_table(unwanted)
        with self._lock:
            self._closing[uid] -= 1
            self._closing += Counter()


class _Taking:
    """One look at a socket, by numbers: the objects behind them are of the other table."""

    def __init__(self, sock: int, answers: int, most: int) -> None:
        self._sock = sock
        self._answers = answers
        self._most = most
        self.arrival = Arrival(b"", is_cut=True)

    def answer(self) -> list[int]:
        """Receive, in a table that holds nothing else, and answer with what is memory. Return the rest."""
        unwanted: list[int] = []
        memory: list[int] = []
        has_own_table = False
        try:
            has_own_table = descriptor_tables.keep_alone(self._sock, self._answers)
            with _borrowed(self._sock) as sock:
                if not has_own_table:
                    self.arrival = Arrival(sock.recvmsg(_BYTES)[0], is_cut=True)
                    return unwanted
                received = received_descriptors(sock, self._most)
            for descriptor in received[1]:
                (memory if is_memory(descriptor) else unwanted).append(descriptor)
            self.arrival = Arrival(received[0], (), len(received[1]), received[2])
        except OSError:
            pass  # the client has gone
        finally:
            with contextlib.suppress(OSError), _borrowed(self._answers) as answers:
                socket.send_fds(answers, [b"."], memory)
        return unwanted


@contextlib.contextmanager
def _borrowed(number: int) -> Iterator[socket.socket]:
    sock = socket.socket(fileno=number)
    try:
        yield sock
    finally:
        sock.detach()


def received_descriptors(sock: socket.socket, most: int) -> tuple[bytes, list[int], bool]:
    """Receive, and return the bytes, the descriptors, and whether there were more than `most`."""
    data, ancillary, flags, _ = sock.recvmsg(_BYTES, socket.CMSG_SPACE(most * array.array("i").itemsize))
    descriptors = array.array("i")
    for level, kind, passed in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(passed[: len(passed) - len(passed) % descriptors.itemsize])
    return data, list(descriptors), bool(flags & socket.MSG_CTRUNC)


def is_memory(descriptor: int) -> bool:
    """Tell whether a descriptor is of memory or of a file in memory, without asking its file system: fcntl(2)."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        return False
    return True


def _has_descriptors(sock: socket.socket) -> bool:
    # with no room for them the kernel says that there are some, and installs none
    return bool(sock.recvmsg(1, 0, socket.MSG_PEEK)[2] & socket.MSG_CTRUNC)

"""The control socket: bound in a folder of the daemon's own, open to every uid, bounded for each of them."""

import contextlib
import errno
import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import trio

from envfs.control.connection import Connection
from envfs.errors import Conflict, TooMany
from envfs.gate.fair_queue import Asker
from envfs.host.callers import peers
from envfs.host.supervision import Tasks, supervised_nursery
from envfs.protocol import control, framing, wire
from envfs.service.budgets import Room
from envfs.service.service import Service

_BACKLOG = 128
_LEFT_AT_ONCE = 32
_PAUSE = 0.1
_SILENT_SECONDS = 0.5  # a connection that does nothing for so long makes room for another one


def bind_socket(path: str) -> socket.socket:
    """Bind the socket at `path`, replacing one that a dead daemon left. Every uid may connect.

    Raises:
        Conflict: the folder is not this user's own, or the socket cannot be made
    """
    folder = Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise Conflict(f"the folder {folder} is not this user's own", "it must belong to it, writable by it alone")
        folder.chmod(0o755)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return _listen(path)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error).lower()
        raise Conflict(f"cannot make the socket {path}: {reason}", "its path may have 107 bytes at most") from None


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        listener.bind(path)
        os.chmod(path, 0o666)  # noqa: S103 - who may do what is decided for each request, by uid
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class _Reserve:
    """One descriptor that is kept, so that clients can be refused when there are no more."""

    def __init__(self) -> None:
        self._socket = _unused()

    def turn_away(self, listener: socket.socket) -> None:
        """Refuse a client that waits to be accepted, so that it does not wait for ever."""
        self.close()
        with contextlib.suppress(OSError):
            stream, _ = listener.accept()
            _refuse(stream)
            stream.close()
        with contextlib.suppress(OSError):
            self._socket = _unused()

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def _unused() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)


class Server:
    """Accepts clients. At most so many connections of one uid, and of all others than the owner, at once.

    Where there is no room, the one that has been silent for longest is closed, or the newcomer is refused.
    """

    def __init__(self, service: Service) -> None:
        """Serve from `service`."""
        self._service = service
        self._connected: Counter[int] = Counter()
        self._connections: set[Connection] = set()
        self._room = Room.here()

    async def run(self, listener: socket.socket) -> None:
        """Accept connections for ever."""
        with contextlib.closing(_Reserve()) as reserve:
            async with supervised_nursery() as tasks:
                tasks.keep(self.reassure)
                tasks.keep(self._accept, listener, tasks, partial(reserve.turn_away, listener))

    async def reassure(self) -> None:
        """Tell clients every few seconds that their requests are worked on, for ever."""
        while True:
            await trio.sleep(control.WORKING_SECONDS)
            for connection in tuple(self._connections):
                connection.reassure()

    async def _accept(self, listener: socket.socket, tasks: Tasks, turn_away: Callable[[], None]) -> None:
        while True:
            try:
                await trio.lowlevel.wait_readable(listener)
                stream = _next_that_stays(listener)
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    turn_away()
                await trio.sleep(_PAUSE)  # let somebody leave first
                continue
            if stream is not None:
                tasks.run(self.serve, trio.socket.from_stdlib_socket(stream))

    async def serve(self, stream: trio.socket.SocketType) -> None:
        """Serve one connection until it ends."""
        with stream:
            uid, pid = peers.peer_ids(stream.getsockopt)
            if not self._has_room_for(uid) and not self._make_room(Asker(uid, pid)):
                _refuse(stream)
                return
            caller = peers.peer_caller(stream.getsockopt)
            self._connected[caller.uid] += 1
            connection = Connection(stream, caller, self._service)
            self._connections.add(connection)
            try:
                await connection.serve()
            finally:
                self._connections.discard(connection)
                self._connected[caller.uid] -= 1
                self._connected += Counter()  # a uid without connections is forgotten

    def _has_room_for(self, uid: int) -> bool:
        others = self._connected.total() - self._connected[self._service.owner]
        owner = uid == self._service.owner
        return self._connected[uid] < self._room.of_one and (owner or others < self._room.of_others)

    def _make_room(self, newcomer: Asker) -> bool:
        # whoever only holds connections must not keep its own user's other programs out, nor other users
        full = self._connected[newcomer.uid] >= self._room.of_one
        rivals = [
            connection for connection in self._connections if _rivals(connection, newcomer, full, self._service.owner)
        ]
        longest = max(rivals, key=Connection.silent_for, default=None)
        if longest is not None and longest.silent_for() >= _SILENT_SECONDS:
            longest.dismiss()
            return True
        return full and _shrink_largest(rivals, newcomer)


def _next_that_stays(listener: socket.socket) -> socket.socket | None:
    # many that came and left at once, as a flood does, take no turns of the loop from those that stay
    for _ in range(_LEFT_AT_ONCE):
        try:
            stream, _ = listener.accept()
        except BlockingIOError:
            return None
        if not _has_left(stream):
            return stream
        stream.close()
    return None


def _has_left(stream: socket.socket) -> bool:
    try:
        return not stream.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _rivals(connection: Connection, newcomer: Asker, full: bool, owner: int) -> bool:
    return connection.uid == newcomer.uid if full else connection.uid != owner


def _shrink_largest(rivals: Sequence[Connection], newcomer: Asker) -> bool:
    # nor one program with many that are all busy
    of_each = Counter(each.asker.pid for each in rivals if not each.is_leaving)
    pid, most = max(of_each.items(), key=lambda pair: pair[1], default=(0, 0))
    if most < of_each[newcomer.pid] + 2:
        return False
    spare = [each for each in rivals if each.asker.pid == pid and each.may_leave]
    if spare:
        max(spare, key=Connection.silent_for).dismiss()
    return bool(spare)


def _refuse(stream: socket.socket | trio.socket.SocketType) -> None:
    # without waiting: a client that cannot be told is not waited for
    error = TooMany("this user has too many connections to the daemon", "close some, or try again in a moment")
    frame = framing.encode_frame(wire.to_body(control.Failed(error.code, error.text, error.hint, error.about)))
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(stream.fileno())) as same:
        same.send(frame, socket.MSG_DONTWAIT)

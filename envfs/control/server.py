"""The control socket: bound in a folder of the daemon's own, open to every uid, bounded for each of them."""

import contextlib
import os
import socket
from collections import Counter
from pathlib import Path

import trio

from envfs.control.connection import Connection
from envfs.control.service import Service
from envfs.errors import Conflict
from envfs.host import callers

_PER_UID = 64
_BACKLOG = 128


def bind(path: str) -> socket.socket:
    """Bind the socket at `path`, replacing one that a dead daemon left; every uid may connect.

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


class Server:
    """Accepts clients; at most `_PER_UID` connections of a uid at once."""

    def __init__(self, service: Service) -> None:
        """Serve from `service`."""
        self._service = service
        self._connected: Counter[int] = Counter()

    async def run(self, listener: socket.socket) -> None:
        """Accept connections for ever."""
        accepting = trio.socket.from_stdlib_socket(listener)
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    stream, _ = await accepting.accept()
                except OSError:
                    await trio.sleep(0.1)  # out of descriptors: let somebody leave first
                    continue
                nursery.start_soon(self.serve, stream)

    async def serve(self, stream: trio.socket.SocketType) -> None:
        """Serve one connection until it ends."""
        try:
            caller = callers.peer(stream.getsockopt)
        except OSError:
            stream.close()
            return
        if self._connected[caller.uid] >= _PER_UID:
            stream.close()
            return
        self._connected[caller.uid] += 1
        try:
            await Connection(stream, caller, self._service).serve()
        finally:
            self._connected[caller.uid] -= 1

"""The bridge from a fence to its proxy: connections that the listener inside gets go on to the port outside.

The listener was made inside and handed out, so nothing runs there for it, and no socket out here is in reach.

Laws: this reads no more of one side than the other takes. A direction that one side has ended is ended for the other.
"""

import selectors
import socket
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_PIECE = 1 << 16
_HERE = "127.0.0.1"
_PAUSE = 0.01  # seconds, when no descriptor can be had


class Bridge:
    """A thread that carries bytes, until this process ends."""

    def __init__(self, listener: int, port: int) -> None:
        """Take over a listener. Connections go on to a port of this machine."""
        self._listener = socket.socket(fileno=listener)
        self._port = port
        self._selector = selectors.DefaultSelector()

    def start(self) -> None:
        """Begin. The thread ends with the process."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> "NoReturn":
        while True:
            for key, events in self._selector.select():
                self._serve(key.data, events)

    def _serve(self, end: "_End | None", events: int) -> None:
        if end is None:
            self._accept()
        else:
            self._carry(end, events)

    def _accept(self) -> None:
        try:
            outer = socket.socket()  # first: a client that is let in has an end out here
        except OSError:  # there are too many
            time.sleep(_PAUSE)
            return
        try:
            inner, _ = self._listener.accept()
        except OSError:  # the client has gone, or there are too many
            outer.close()
            time.sleep(_PAUSE)
            return
        ends = (_End(inner), _End(outer))
        for end, other in (ends, ends[::-1]):
            end.other = other
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        outer.connect_ex((_HERE, self._port))
        for end in ends:
            self._listen(end)

    def _carry(self, end: "_End", events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                end.flush()
            if events & selectors.EVENT_READ:
                end.read()
        except BlockingIOError:
            pass
        except OSError:
            self._close(end)
            return
        if end.is_done and end.other.is_done:
            self._close(end)
            return
        for each in (end, end.other):
            self._listen(each)

    def _listen(self, end: "_End") -> None:
        events = end.events()
        if events == end.registered:
            return
        if not end.registered:
            self._selector.register(end.socket, events, end)
        elif not events:
            self._selector.unregister(end.socket)
        else:
            self._selector.modify(end.socket, events, end)
        end.registered = events

    def _close(self, end: "_End") -> None:
        for each in (end, end.other):
            if each.registered:
                self._selector.unregister(each.socket)
                each.registered = 0
            each.socket.close()


class _End:
    """One of the two sockets of a connection, and what is still to be written to it."""

    other: "_End"

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.registered = 0
        self.unsent = memoryview(b"")
        self.is_read = self.is_shut = False

    @property
    def is_done(self) -> bool:
        """Tell whether nothing more comes from it, and all that did has gone to the other one."""
        return self.is_read and self.other.is_shut

    def events(self) -> int:
        """Return what it waits for."""
        reads = not self.is_read and not self.other.unsent
        return selectors.EVENT_READ * reads | selectors.EVENT_WRITE * bool(self.unsent)

    def read(self) -> None:
        """Take a piece, and give it to the other one."""
        piece = self.socket.recv(_PIECE)
        self.is_read = not piece
        self.other.unsent = memoryview(piece)
        self.other.flush()

    def flush(self) -> None:
        """Write what is to be written. Raises BlockingIOError where it takes no more."""
        while self.unsent:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        if self.other.is_read and not self.is_shut:
            self._shut()

    def _shut(self) -> None:
        self.is_shut = True
        self.socket.shutdown(socket.SHUT_WR)

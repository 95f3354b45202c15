"""A network between a member and an engine that a test can pause and cut."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the other side sees a reset


class Forwarder:
    """Forwards from a port of its own to another one. Paused, it takes connections and bytes, and passes nothing on."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open = threading.Event()
        self._open.set()
        self._is_cut = False
        self._left: int | None = None
        self._action: Callable[[], None] | None = None
        self._until: int | None = None
        self._is_until_request = False
        self.passed = {True: 0, False: 0}  # bytes of requests, and of answers
        self._lock = threading.Lock()
        self._sockets = set[socket.socket]()
        threading.Thread(target=self._accept, daemon=True).start()

    def act_after(self, size: int, action: Callable[[], None]) -> None:
        """Do something once so many bytes of a member have arrived here. The last of them are not passed on before."""
        self._action, self._left = action, size

    def act_before_answer(self, action: Callable[[], None]) -> None:
        """Do something once the server answers, before the answer is passed on."""
        self._action, self._left = action, None

    def cut_at(self, size: int, *, is_request: bool) -> None:
        """Reset all connections, once, when so many bytes went in one direction. Not one more is passed on."""
        self._until, self._is_until_request, self.passed = size, is_request, {True: 0, False: 0}

    def pause(self) -> None:
        self._open.clear()

    def cut(self) -> None:
        """Reset all connections, and each new one."""
        self._is_cut = True
        self._reset_all()

    def resume(self) -> None:
        self._is_cut = False
        self._open.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._open.set()
        self._reset_all()

    def _reset_all(self) -> None:
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _reset(one)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        try:
            if self._is_cut:
                raise ConnectionResetError
            server = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            _reset(client)
            return
        with self._lock:
            self._sockets |= {client, server}
        for source, target, is_request in ((client, server, True), (server, client, False)):
            threading.Thread(target=self._copy, args=(source, target, is_request), daemon=True).start()

    def _act(self, size: int, *, is_request: bool) -> None:
        if self._action is None:
            return
        if is_request and self._left is not None:
            self._left -= size
        is_time = self._left <= 0 if self._left is not None else not is_request
        action = self._action if is_time else None
        if action is not None:
            self._action = None
            action()

    def _copy(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self._act(len(data), is_request=is_request)
                self._open.wait()
                with self._lock:
                    begun, self.passed[is_request] = self.passed[is_request], self.passed[is_request] + len(data)
                    is_over = self._until is not None and is_request is self._is_until_request
                    is_over = is_over and begun + len(data) > (self._until or 0)
                    until, self._until = self._until or 0, None if is_over else self._until
                target.sendall(data[: max(0, until - begun)] if is_over else data)
                if is_over:
                    self._reset_all()
                    return
            target.shutdown(socket.SHUT_WR)


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextlib.contextmanager
def forwarding(port: int) -> Iterator[Forwarder]:
    forwarder = Forwarder(port)
    try:
        yield forwarder
    finally:
        forwarder.close()

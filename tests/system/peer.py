"""A client of the control socket that speaks the frames of docs/protocol.md by itself, well or badly."""

import array
import json
import os
import socket
import struct
from pathlib import Path
from typing import Self

from tests.system.home import SECONDS

Body = dict[str, object]
HELLO: Body = {"type": "hello", "protocol": 1, "release": ""}
STATUS: Body = {"type": "status"}


def frame(body: Body) -> bytes:
    """Return a message as a frame."""
    text = json.dumps(body).encode()
    return len(text).to_bytes(4, "big") + text


def _connected(path: Path) -> socket.socket:
    # a queue that is full makes a socket with a time limit fail at once. With this limit it waits, as the client's does
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(SECONDS), 0))
    try:
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


class Peer:
    """One connection: to the socket at a path, or one that is made already."""

    def __init__(self, to: Path | socket.socket) -> None:
        self.socket = _connected(to) if isinstance(to, Path) else to
        self.socket.settimeout(SECONDS)
        self._buffer = b""
        self.blob = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
        """Send bytes as they are, with descriptors if there are any."""
        if descriptors:
            rights = array.array("i", descriptors)
            self.socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        else:
            self.socket.sendall(data)

    def ask(self, body: Body, descriptors: tuple[int, ...] = ()) -> Body:
        """Send one message and return the next one."""
        self.send(frame(body), descriptors)
        return self.receive()

    def receive(self) -> Body:
        """Return the next message but for signs of life, its blobs as one in `blob`; EOFError at the end."""
        while (body := self.next())["type"] in ("working-row", "progress-row"):  # of a busy machine
            pass
        return body

    def next(self) -> Body:
        """Return the next message."""
        size = int.from_bytes(self._take(4), "big")
        body: Body = json.loads(self._take(size))
        blobs = body.get("blobs", [])
        assert isinstance(blobs, list)
        self.blob = b"".join([self._take(size) for size in blobs])
        return body

    def ask_all(self, body: Body, secrets: tuple[str, ...] = ()) -> tuple[list[Body], Body]:
        """Send one message with secrets in descriptors of memory; return the rows and the reply."""
        descriptors = tuple(memory(text.encode()) for text in secrets)
        try:
            self.send(frame(body), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        rows = []
        while str((message := self.receive())["type"]).endswith("-row"):
            rows.append(message)
        return rows, message

    def ended(self) -> bool:
        """Wait until the daemon closes the connection; whatever it says before is read away."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._buffer += data
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


def memory(data: bytes) -> int:
    """Return a descriptor of memory that holds some bytes."""
    handle = os.memfd_create("test", os.MFD_CLOEXEC)
    os.write(handle, data)
    return handle

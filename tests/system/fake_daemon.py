"""A daemon that answers each connection as it is told, and notes what was said on it and which program said it."""

import contextlib
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from tests.system.home import eventually
from tests.system.peer import Body, frame

HELLO: Body = {"type": "hello", "protocol": 1, "release": "0"}
VIEW: Body = {
    "type": "view-sent",
    "level": "/shop",
    "version": 3,
    "variables": 2,
    "dialect": "",
    "masked": False,
    "dangerous": [],
}


def answer(body: Body, *blobs: bytes) -> bytes:
    """Return a message with blobs, as the daemon writes it."""
    sizes = {"blobs": [len(blob) for blob in blobs]} if blobs else {}
    text = frame({**body, **sizes})[4:].replace(b'": ', b'":').replace(b', "', b',"').replace(b", ", b",")
    return len(text).to_bytes(4, "big") + text + b"".join(blobs)


class Talk(NamedTuple):
    """One connection: which program it was when it was looked at, and what it said.

    On a machine that stands still for some seconds Python may have taken over by then.
    """

    program: str
    said: bytes


class FakeDaemon:
    """Serves at a path. Each connection gets the next of `answers` in its pieces, and the last one over again.

    The piece `UNTIL_PYTHON` is silence until an interpreter has taken over, `UNTIL_GONE` until the client has left.
    """

    UNTIL_PYTHON, UNTIL_GONE = b"until the client is Python", b"until the client has left"

    def __init__(self, path: Path, answers: Sequence[Sequence[bytes]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._answers = list(answers)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path = path
        self.talks: list[Talk] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):  # it may leave before all was sent
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        pid = int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")
        program = _program(pid)
        said = b""
        while (part := _second_frame(said)) is None:
            data = connection.recv(1 << 16)
            if not data:
                break
            said += data
        self.talks.append(Talk(program, said if part is None else said[:part]))
        pieces = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        for piece in pieces:
            if piece == self.UNTIL_PYTHON:
                eventually(lambda: _program(pid).startswith("python"), "Python takes over")
            elif piece == self.UNTIL_GONE:
                while connection.recv(1 << 16):
                    pass
            else:
                connection.sendall(piece)


def _program(pid: int) -> str:
    return Path(os.readlink(f"/proc/{pid}/exe")).name


def _second_frame(said: bytes) -> int | None:
    # where it ends
    first = 4 + int.from_bytes(said[:4], "big")
    end = first + 4 + int.from_bytes(said[first : first + 4], "big")
    return end if len(said) >= first + 4 and len(said) >= end else None

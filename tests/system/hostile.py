"""A hostile client: `python hostile.py SOCKET` shows the daemon every kind of behaviour with every kind of frame."""

import array
import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable
from itertools import product

_HELD = 20  # connections that stay half way, at once


def _frame(body: object) -> bytes:
    text = json.dumps(body).encode()
    return len(text).to_bytes(4, "big") + text


FRAMES = {
    "a truncated header": b"\0\0",
    "no length": b"\0\0\0\0",
    "a length over the limit": b"\x7f\xff\xff\xff" + b"x" * 1000,
    "no JSON": b"\0\0\0\x05hello",
    "JSON of another type": _frame([1, 2]),
    "JSON that is too deep": (60_000).to_bytes(4, "big") + b"[" * 60_000,
    "an unknown message": _frame({"type": "open-sesame"}),
    "another protocol": _frame({"type": "hello", "protocol": 999, "release": ""}),
    "fields of other types": _frame({"type": "read-view", "level": 7, "format": [], "channel": None}),
    "a request for what is long": _frame({"type": "list-history", "level": "/big"}),
    "a request without its descriptor": _frame({"type": "set-variable", "level": "/shop", "name": "X"}),
    "blobs": _frame({"type": "status", "blobs": [5]}) + b"12345",
}
_HELLO = _frame({"type": "hello", "protocol": 1, "release": ""})
_held: list[socket.socket] = []


def _connected(path: str) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(0.5)
    peer.connect(path)
    return peer


def _hold(peer: socket.socket) -> None:
    _held.append(peer)
    while len(_held) > _HELD:
        _held.pop(0).close()


def _read_to_the_end(peer: socket.socket) -> None:
    while peer.recv(1 << 16):
        pass


def _sends_and_leaves(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        peer.sendall(data)


def _takes_no_answer(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        peer.shutdown(socket.SHUT_RD)
        peer.sendall(data)


def _says_no_more(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        _read_to_the_end(peer)


def _goes_byte_by_byte(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        for byte in data[:200]:
            peer.send(bytes([byte]))


def _stops_half_way(path: str, data: bytes) -> None:
    peer = _connected(path)
    _hold(peer)
    peer.sendall(data[: len(data) // 2])


def _leaves_half_way(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        peer.sendall(data[: len(data) // 2])


def _never_reads(path: str, data: bytes) -> None:
    peer = _connected(path)
    _hold(peer)
    peer.setblocking(False)
    for _ in range(100):
        peer.sendall(_HELLO + data)


def _greets_first(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        peer.sendall(_HELLO)
        peer.recv(1 << 16)
        peer.sendall(data)
        peer.recv(1 << 16)


def _leaves_in_a_reply(path: str, data: bytes) -> None:
    with _connected(path) as peer:
        peer.sendall(_HELLO + _frame({"type": "list-history", "level": "/big"}) + data)
        peer.recv(10)


def _hands_over(path: str, data: bytes, descriptors: tuple[int, ...]) -> None:
    with _connected(path) as peer:
        rights = array.array("i", descriptors)
        peer.sendmsg([data[:65536]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        peer.shutdown(socket.SHUT_WR)
        _read_to_the_end(peer)


def _hands_over_what_is_no_file(path: str, data: bytes) -> None:
    reading, writing = os.pipe()
    folder, (ours, theirs) = os.open("/", os.O_RDONLY), socket.socketpair()
    with ours, theirs:
        try:
            for descriptors in ((reading,), (folder,), (ours.fileno(), theirs.fileno()), (writing,) * 4):
                with contextlib.suppress(OSError):
                    _hands_over(path, data, descriptors)
        finally:
            for descriptor in (reading, writing, folder):
                os.close(descriptor)


def _hands_over_many(path: str, data: bytes) -> None:
    _hands_over(path, data, (2,) * 250)


def _comes_in_a_crowd(path: str, data: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(_connected(path)).sendall(data)


CLIENTS: tuple[Callable[[str, bytes], None], ...] = (
    _sends_and_leaves,
    _takes_no_answer,
    _says_no_more,
    _goes_byte_by_byte,
    _stops_half_way,
    _leaves_half_way,
    _never_reads,
    _greets_first,
    _leaves_in_a_reply,
    _hands_over_what_is_no_file,
    _hands_over_many,
    _comes_in_a_crowd,
)


def main() -> None:
    """Do all of it, one after the other; what the daemon answers is nothing to us."""
    for behave, data in product(CLIENTS, FRAMES.values()):
        with contextlib.suppress(OSError):
            behave(sys.argv[1], data)
    while _held:
        _held.pop().close()


if __name__ == "__main__":
    main()

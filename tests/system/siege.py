"""A hostile client that does one thing as hard as it can: `python siege.py KIND SOCKET MOUNT SECONDS`."""

import array
import contextlib
import json
import os
import random
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

_CONNECTIONS, _READERS, _PASSED, _WAITS = 30, 32, 4, 0.2
_PIECE = 1 << 16
_KEPT_OPEN: list[socket.socket] = []


def frame(body: object) -> bytes:
    """Return a message as a frame."""
    text = json.dumps(body).encode()
    return len(text).to_bytes(4, "big") + text


HELLO = frame({"type": "hello", "protocol": 1, "release": ""})
_STATUS = frame({"type": "status"})
_VIEW: dict[str, object] = {"type": "read-view", "level": "/big", "form": "dotenv", "door": "get", "only": []}
_REQUESTS = {
    "cheap requests": _STATUS + frame({"type": "list-levels"}) + HELLO,
    "list-history": frame({"type": "list-history", "level": "/big"}),
    "verify": frame({"type": "verify-vault"}),
    "verify-log": frame({"type": "verify-log"}),
    "the whole log": frame({"type": "read-log"}),
    "what a view holds": frame({"type": "describe-view", "level": "/big"}),
    "old versions": b"".join(frame({**_VIEW, "version": version}) for version in range(1, 13)),
    "large views": frame(_VIEW),
}


def _connected(path: str) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(_WAITS)
    peer.connect(path)
    return peer


def _connects(path: str, _mount: str) -> None:
    _connected(path).close()


def _holds_what_is_silent(path: str, _mount: str) -> None:
    _KEPT_OPEN.append(_connected(path))
    del _KEPT_OPEN[:-200]


def _drips(path: str, _mount: str) -> None:
    data = frame({"type": "x" * 200})
    peers = [_connected(path) for _ in range(_CONNECTIONS)]
    for byte in data[: len(data) // 2]:
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.send(bytes([byte]))


def _names_a_huge_length(path: str, _mount: str) -> None:
    with _connected(path) as peer:
        peer.sendall(b"\x7f\xff\xff\xff" + b"x" * 1000)


def _sends_what_is_random(path: str, _mount: str) -> None:
    with _connected(path) as peer:
        peer.sendall(random.randbytes(random.randrange(1 << 14)))


def _floods(path: str, data: bytes, *, reads: bool) -> None:
    # as many requests as go in over every connection, and answers taken as they come
    peers = {peer.fileno(): peer for peer in _connected_while_there_is_room(path)}
    left = dict.fromkeys(peers, b"")
    poll = select.poll()
    for number, peer in peers.items():
        peer.setblocking(False)
        poll.register(number, select.POLLOUT | (select.POLLIN if reads else 0))
    while peers:
        for number, events in poll.poll():
            try:
                if events & select.POLLIN:
                    if not peers[number].recv(1 << 20):
                        raise EOFError
                elif events & select.POLLOUT:
                    rest = left[number] or data * max(1, _PIECE // len(data))
                    left[number] = rest[peers[number].send(rest) :]
                else:
                    raise EOFError
            except BlockingIOError:
                continue
            except (OSError, EOFError):
                poll.unregister(number)
                peers.pop(number).close()


def _connected_while_there_is_room(path: str) -> Iterator[socket.socket]:
    for _ in range(_CONNECTIONS):
        with contextlib.suppress(OSError):
            yield _connected(path)


def _never_reads(path: str, _mount: str) -> None:
    _floods(path, _REQUESTS["cheap requests"] + _REQUESTS["large views"] + _REQUESTS["the whole log"], reads=False)


def _leaves_in_a_reply(path: str, _mount: str) -> None:
    with _connected(path) as peer:
        peer.sendall(HELLO + _REQUESTS["large views"] + _REQUESTS["list-history"])
        peer.recv(10)


def _watches(path: str, _mount: str) -> None:
    _floods(path, frame({"type": "watch-view", "level": "/shop"}), reads=True)


def _memory(data: bytes) -> int:
    handle = os.memfd_create("siege")
    os.write(handle, data)
    return handle


def _asks_with(path: str, body: object, handles: tuple[int, ...]) -> None:
    with _connected(path) as peer:
        peer.settimeout(30)
        peer.sendmsg([frame(body)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", handles))])
        peer.recv(1 << 16)


def _guesses_passphrases(path: str, _mount: str) -> None:
    with os.fdopen(_memory(b"a guess"), "rb") as secret:
        _asks_with(path, {"type": "unlock"}, (secret.fileno(),))


def _imports(path: str, _mount: str) -> None:
    text = "".join(f"N{number}={random.random()}{'y' * 50}\n" for number in range(10_000))
    with os.fdopen(_memory(text.encode()), "rb") as data:
        _asks_with(path, {"type": "import-text", "level": "/imported", "replace": True}, (data.fileno(),))


def _hands_over_descriptors(path: str, _mount: str) -> None:
    with _connected(path) as peer:
        for _ in range(100):
            rights = array.array("i", [0] * random.choice((1, _PASSED, 200)))
            peer.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def _reads_what_was_just_changed(path: str, mount: str) -> None:
    value = "".join(random.choices("abcdef", k=8))
    with os.fdopen(_memory(value.encode()), "rb") as secret:
        _asks_with(path, {"type": "set-variable", "level": "/shop", "name": "CHURN", "trim": False}, (secret.fileno(),))
    with open(f"{mount}/shop/prod/.env", "rb") as file:
        file.read()


def _walks_the_mount(_path: str, mount: str) -> None:
    for folder in (mount, f"{mount}/shop", f"{mount}/big", f"{mount}/big/.history"):
        with contextlib.suppress(OSError):
            os.listdir(folder)
        for name in (".env", ".env.json", ".vars/K7"):
            with contextlib.suppress(OSError):
                os.stat(f"{folder}/{name}")
                with open(f"{folder}/{name}", "rb") as file:
                    file.read()


def _walks_the_history(_path: str, mount: str) -> None:
    for version in random.sample(range(1, 13), 12):
        with contextlib.suppress(OSError), open(f"{mount}/big/.history/{version}/.env", "rb") as file:
            file.read()


Deed = Callable[[str, str], None]


def _flood_of(requests: bytes) -> Deed:
    return lambda path, _mount: _floods(path, requests, reads=True)


KINDS: dict[str, tuple[int, Deed]] = {  # how many threads of a process do it at once
    "connects": (4, _connects),
    "silent connections": (1, _holds_what_is_silent),
    "half frames, byte by byte": (1, _drips),
    "huge lengths": (4, _names_a_huge_length),
    "random frames": (4, _sends_what_is_random),
    **{name: (1, _flood_of(requests)) for name, requests in _REQUESTS.items()},
    "answers never read": (1, _never_reads),
    "leaves in a reply": (8, _leaves_in_a_reply),
    "watches": (1, _watches),
    "passphrases guessed": (16, _guesses_passphrases),
    "imports": (8, _imports),
    "descriptors": (4, _hands_over_descriptors),
    "cold views": (8, _reads_what_was_just_changed),
    "the mount": (_READERS, _walks_the_mount),
    "the history in the mount": (_READERS, _walks_the_history),
}


def _again_and_again(deed: Deed, path: str, mount: str, until: float) -> None:
    while time.monotonic() < until:
        try:
            deed(path, mount)
        except OSError:
            time.sleep(0.001)


def main() -> None:
    """Do one thing for some seconds, in processes and threads."""
    kind, path, mount, seconds = sys.argv[1:5]
    threads, deed = KINDS[kind]
    until = time.monotonic() + float(seconds)
    os.fork()  # two of them
    for _ in range(threads):
        threading.Thread(target=_again_and_again, args=(deed, path, mount, until), daemon=True).start()
    time.sleep(max(0.0, until - time.monotonic()))
    os._exit(0)


if __name__ == "__main__":
    main()

"""Tries every question of the mount and every request of the socket on levels, and prints how each ended, as JSON.

Run as `PROGRAM -I -S matrix_probe.py ARGUMENT`. The argument is JSON: the mount, the socket, the levels each with the
name of its variable, and messages that no caller but an owner may send. An answer is [how, text]: `ok` or the errno's
name, or the code of the daemon's refusal.
"""

import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)


def _read(path: str) -> str:
    handle = os.open(path, os.O_RDONLY)
    try:
        text = b""
        while piece := os.read(handle, 1 << 16):
            text += piece
        return text.decode(errors="replace")
    finally:
        os.close(handle)


def _access(path: str) -> None:
    if not os.access(path, os.R_OK):
        os.stat(path)
        raise OSError(errno.EACCES, "access says no")


def _held(path: str) -> str:
    # a descriptor without content, and what can be had by it
    handle = os.open(path, os.O_PATH)
    try:
        return f"{os.fstat(handle).st_size} {_read(f'/proc/self/fd/{handle}')}"
    finally:
        os.close(handle)


def _watch(path: str) -> None:
    watcher = LIBC.inotify_init1(0)
    try:
        if LIBC.inotify_add_watch(watcher, os.fsencode(path), 0xFFF) < 0:
            raise OSError(ctypes.get_errno(), "no watch")
    finally:
        os.close(watcher)


def _listed_in_parent(path: str) -> None:
    folder, _, name = path.rpartition("/")
    if name not in os.listdir(folder):
        raise OSError(errno.ENOENT, "not listed")


def _listing(path: str) -> str:
    return " ".join(sorted(os.listdir(path)))


QUESTIONS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "folder.stat": ("", lambda path: str(os.stat(path).st_mode)),
    "folder.list": ("", _listing),
    "folder.listed": ("", _listed_in_parent),
    "folder.access": ("", _access),
    "folder.xattr": ("", lambda path: os.getxattr(path, "system.posix_acl_access").hex()),
    "env.stat": ("/.env", lambda path: str(os.stat(path).st_size)),
    "env.access": ("/.env", _access),
    "env.read": ("/.env", _read),
    "env.held": ("/.env", _held),
    "env.statvfs": ("/.env", lambda path: str(os.statvfs(path).f_bsize)),
    "env.watch": ("/.env", _watch),
    "json.read": ("/.env.json", _read),
    "environ.read": ("/.environ", _read),
    "example.read": ("/.env.example", _read),
    "vars.list": ("/.vars", _listing),
    "value.stat": ("/.vars/NAME", lambda path: str(os.stat(path).st_size)),
    "value.read": ("/.vars/NAME", _read),
    "history.list": ("/.history", _listing),
    "past.list": ("/.history/1", _listing),
    "past.read": ("/.history/1/.env", _read),
    "past.json": ("/.history/1/.env.json", _read),
    "past.environ": ("/.history/1/.environ", _read),
    "past.example": ("/.history/1/.env.example", _read),
    "past.vars": ("/.history/1/.vars", _listing),
    "past.value": ("/.history/1/.vars/NAME", _read),
}
REQUESTS: dict[str, dict[str, object]] = {
    "socket.view": {"type": "read-view", "format": "dotenv", "channel": "show"},
    "socket.environ": {"type": "read-view", "format": "environ", "channel": "exec"},
    "socket.own": {"type": "read-view", "format": "own", "channel": "show"},
    "socket.value": {"type": "read-view", "format": "value", "channel": "get", "only": ["NAME"]},
    "socket.past": {"type": "read-view", "format": "dotenv", "channel": "show", "version": 1},
    "socket.moment": {
        "type": "read-view",
        "format": "dotenv",
        "channel": "show",
        "moment": "2100-01-01T00:00:00.000000Z",
    },
    "socket.variables": {"type": "list-variables"},
    "socket.facts": {"type": "describe-view"},
    "socket.history": {"type": "list-history"},
}


def _question(suffix: str, ask: Callable[[str], str | None], path: str) -> list[str]:
    try:
        return ["ok", ask(path + suffix) or ""]
    except OSError as error:
        return [errno.errorcode[error.errno or errno.EIO], ""]


class Peer:
    """A connection to the daemon."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(path)

    def ask(self, body: dict[str, object]) -> list[str]:
        """Send a message; return how it ended, and all that came."""
        self.send(body)
        told = ""
        while True:
            message, blob = self.message()
            kind = message["type"]
            if kind == "failed":
                return [message["code"], told]
            if kind == "working-row":
                continue
            told += json.dumps(message) + blob
            if not kind.endswith("-row"):
                return ["ok", told]

    def send(self, body: dict[str, object]) -> None:
        """Send a message."""
        text = json.dumps(body).encode()
        self.socket.sendall(len(text).to_bytes(4, "big") + text)

    def message(self) -> tuple[dict[str, str], str]:
        """Return the next message, and its blobs as one text."""
        body = json.loads(self._take(int.from_bytes(self._take(4), "big")))
        return body, b"".join([self._take(size) for size in body.get("blobs", ())]).decode(errors="replace")

    def _take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


def _watched(path: str, level: str) -> list[str]:
    # an answer to a watch is its first row, and more follow until the client leaves
    peer = Peer(path)
    try:
        peer.send({"type": "watch-view", "level": level})
        message = peer.message()[0]
        return [message["code"], ""] if message["type"] == "failed" else ["ok", ""]
    finally:
        peer.socket.close()


def main() -> None:
    """Try all, print all."""
    asked = json.loads(sys.argv[1])
    answers: dict[str, dict[str, list[str]]] = {}
    for level, name in asked["levels"].items():
        answers[level] = {
            door: _question(suffix.replace("NAME", name), ask, asked["mount"] + level)
            for door, (suffix, ask) in QUESTIONS.items()
        }
    peer = Peer(asked["socket"])
    for level, name in asked["levels"].items():
        for door, request in REQUESTS.items():
            only = {"only": [name]} if "only" in request else {}
            answers[level][door] = peer.ask({**request, "level": level, **only})
        answers[level]["socket.watch"] = _watched(asked["socket"], level)
    listed = peer.ask({"type": "list-levels", "level": "/"})[1]
    for level in asked["levels"]:
        answers[level]["socket.levels"] = ["ok" if f'"{level}"' in listed else "absent", ""]
    answers[""] = {str(body["type"]): peer.ask(body) for body in asked["owner"]}
    print(json.dumps(answers))


main()

"""Watchers as programs have them: inotify by itself, and the `watchdog` library; each reads its events as they come."""

import ctypes
import os
import select
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from tests.system.home import SECONDS
from tests.system.peer import HELLO, Body, Peer

MODIFY, ATTRIB, CREATE, DELETE = 0x2, 0x4, 0x100, 0x200
KERNELS_OWN = 0x1 | 0x10 | 0x20  # ACCESS, CLOSE_NOWRITE, OPEN: of every reader, and none of ours
CHANGES = 0xFFF & ~KERNELS_OWN
QUIET = 0.3  # how long it takes at most until an event that was not to come would have come
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class Seen(NamedTuple):
    """One event: what happened, and the name in the folder that is watched, or nothing."""

    mask: int
    name: str = ""


class Inotify:
    """An inotify instance that watches one path; `seen` grows by itself."""

    def __init__(self, path: Path, mask: int = CHANGES) -> None:
        self._handle = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert _libc.inotify_add_watch(self._handle, os.fsencode(path), mask) > 0, os.strerror(ctypes.get_errno())
        self.seen: list[Seen] = []
        self._ends, self._end = os.pipe()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._ends)
        os.close(self._handle)

    def wait(self, count: int, seconds: float = SECONDS) -> list[Seen]:
        """Wait until there are so many events, and a moment for one too many; return all."""
        wait_for(self.seen, count, seconds)
        time.sleep(QUIET)
        return self.seen

    def _read(self) -> None:
        while self._ends not in select.select([self._handle, self._ends], [], [])[0]:
            data, at = os.read(self._handle, 1 << 16), 0
            while at < len(data):
                _, mask, _, size = _HEAD.unpack_from(data, at)
                at += _HEAD.size + size
                self.seen.append(Seen(mask, data[at - size : at].rstrip(b"\0").decode()))


class Library(FileSystemEventHandler):
    """The `watchdog` library, watching a folder; `changed` holds the paths that it says were changed."""

    def __init__(self, folder: Path) -> None:
        self.changed: list[str] = []
        self._observer = Observer()
        self._observer.schedule(self, str(folder))
        self._observer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("opened", "closed_no_write"):
            self.changed.append(f"{event.event_type} {event.src_path!r}")


def wait_for(what: list[Seen] | list[str], count: int, seconds: float = SECONDS) -> None:
    """Wait until there are `count`, in vain for so many seconds."""
    until = time.monotonic() + seconds
    while len(what) < count:
        assert time.monotonic() < until, f"{len(what)} events, not {count}"
        time.sleep(0.005)


class Writer:
    """Writes variables through one connection, as fast as they are acknowledged."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        peer.ask(HELLO)

    def set(self, level: str, name: str, value: str) -> Body:
        """Set a variable; return the reply."""
        handle = os.memfd_create("value", os.MFD_CLOEXEC)
        try:
            os.write(handle, value.encode())
            reply = self._peer.ask({"type": "set-variable", "level": level, "name": name}, (handle,))
            while str(reply["type"]).endswith("-row"):  # on a busy machine the daemon says that it is still at work
                reply = self._peer.receive()
        finally:
            os.close(handle)
        assert reply["type"] == "written", reply
        return reply


@contextmanager
def writer(socket: Path) -> Iterator[Writer]:
    """Give a writer for as long as the block lasts."""
    with Peer(socket) as peer:
        yield Writer(peer)

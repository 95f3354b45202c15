"""Daemons and clients that are forked from a process which has loaded them, where their start is not what is tested.

A daemon costs half a second of a processor, and nearly all of it is the load of its modules. A command by itself costs
a third of one. Forked, with the daemon that it starts for itself, it costs half of that, and an eighth where a daemon
runs. What runs is the daemon as
`envfs mount` starts it: in a process and a session of its own, with its log, a keyholder that is started, and no
descriptor but its own. Its environment is what /proc shows of it, as the tests find their processes by that.
"""

import array
import functools
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from envfs.daemon.keyholder_start import StartedKeyholder
from envfs.errors import from_code
from envfs.host.libc import LIBC
from tests.system.peer import SECONDS, Peer
from tests.system.started_process import process_of

_PROGRAM = str(Path(__file__).with_name("forking.py"))
_SET_CHILD_SUBREAPER = 36  # of prctl(2)
_orphans_taken = threading.Lock()
_ROOM = 1 << 14  # bytes of environment that the process is started with, for those that are forked from it


class Ended(NamedTuple):
    """How a client ended and what it wrote."""

    status: int
    out: bytes
    err: bytes


class Nursery:
    """A process that has loaded daemon and client and forks one for each order. It ends when this process does."""

    def __init__(self) -> None:
        """Start it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-I", _PROGRAM, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                cwd="/",
                env={"ENVFS_ROOM": "." * _ROOM},
                start_new_session=True,
            )
        self._socket = ours

    def start(self, environ: Mapping[str, str], log: Path) -> None:
        """Start a daemon, and wait until it serves.

        Raises:
            EnvFSError: it refuses to
            EOFError: it has ended
        """
        log.parent.mkdir(mode=0o700, exist_ok=True)
        ours, theirs = socket.socketpair()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with theirs, os.fdopen(handle, "wb") as file:
            self._order({"environ": dict(environ)}, theirs.fileno(), file.fileno())
        with Peer(ours) as peer:
            peer.socket.settimeout(2 * SECONDS)
            reply = peer.receive()
        if reply["type"] != "done":
            raise from_code(str(reply["code"]), str(reply["text"]), str(reply["hint"]))

    def run(self, words: Sequence[str], environ: Mapping[str, str], given: bytes | None, folder: str) -> Ended:
        """Have a client carry out a line. `given` is what it gets by standard input, if that is a pipe.

        Raises:
            TimeoutError: it goes on
            EOFError: it was killed
        """
        source, entry = os.pipe() if given is not None else (os.open(os.devnull, os.O_RDONLY), -1)
        (out, out_entry), (err, err_entry) = os.pipe(), os.pipe()
        ended = self.run_on((source, out_entry, err_entry), words, environ, folder)
        for handle in (source, out_entry, err_entry):
            os.close(handle)
        texts = _exchanged(entry, given or b"", [out, err])
        status = os.read(ended, 1)  # what it leaves running may keep this open, and nothing of the two above
        os.close(ended)
        if not status:
            raise EOFError(f"{words} was killed")
        return Ended(status[0], *texts)

    def run_on(self, streams: Sequence[int], words: Sequence[str], environ: Mapping[str, str], folder: str) -> int:
        """Have a client carry out a line on three streams, or on a terminal of its own.

        Return a descriptor that gives a byte, its exit status, when it has ended.
        """
        ended, entry = os.pipe()
        order = {"environ": dict(environ), "folder": folder, "words": list(words)}
        self._order(order, *streams, entry)
        os.close(entry)
        return ended

    def start_keyholder(self) -> StartedKeyholder:
        """Start a keyholder that is a child of this process, as envfs.daemon.keyholder_start does by a program."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        started, entry = os.pipe()
        with theirs, _orphans_taken:
            LIBC.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            self._order({"parent": os.getpid()}, theirs.fileno(), entry)
            os.close(entry)
            pid = int.from_bytes(os.read(started, 4), sys.byteorder)
            LIBC.prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        os.close(started)
        ours.setblocking(False)
        return StartedKeyholder(process_of(pid), ours)

    def _order(self, order: Mapping[str, object], *descriptors: int) -> None:
        rights = array.array("i", descriptors)
        self._socket.sendmsg([json.dumps(order).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])

    def end(self) -> None:
        """End it. The daemons that it has forked go on."""
        self._socket.close()
        self._process.wait(SECONDS)


def _exchanged(entry: int, given: bytes, readings: list[int]) -> list[bytes]:
    """Write to one end of a pipe what is given, and read the others to their end. All are closed then."""
    texts, until = dict.fromkeys(readings, b""), time.monotonic() + 3 * SECONDS
    with selectors.DefaultSelector() as waiting:
        for reading in readings:
            waiting.register(reading, selectors.EVENT_READ)
        if entry >= 0:
            os.set_blocking(entry, False)
            waiting.register(entry, selectors.EVENT_WRITE)
        while waiting.get_map():
            ready = waiting.select(until - time.monotonic())
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fd == entry:
                    is_over = not (given := _written(entry, given))
                else:
                    data = os.read(key.fd, 1 << 16)
                    texts[key.fd] += data
                    is_over = not data
                if is_over:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
    return list(texts.values())


def _written(entry: int, data: bytes) -> bytes:
    try:
        return data[os.write(entry, data) :]
    except BrokenPipeError:  # it reads no more
        return b""


@functools.cache
def nursery() -> Nursery:
    """Return the one of this process, which is started when it is needed first."""
    return Nursery()


def end_nursery() -> None:
    """End it, if there is one."""
    if nursery.cache_info().currsize:
        nursery().end()
        nursery.cache_clear()

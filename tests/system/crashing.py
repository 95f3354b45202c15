"""Killing what is at work at a chosen moment, and looking at what is left: the means of test_crash."""

import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from tests.system import forger
from tests.system.home import SECONDS, Home, alive, eventually
from tests.system.peer import STATUS, Peer, memory

STRACE = shutil.which("strace")
# before each of these something is done that lasts, or somebody is told so
LASTING = (
    "write",
    "fsync",
    "fdatasync",
    "link",
    "linkat",
    "unlink",
    "rename",
    "mkdir",
    "ftruncate",
    "sendmsg",
    "sendto",
)
_CALL = re.compile(r"^\d+\s+([a-z]+)\(", re.MULTILINE)


class Moment(NamedTuple):
    """When something is killed: after some seconds, or before the daemon's `number`-th system call of a name."""

    seconds: float
    call: str = ""
    number: int = 0


AT_WORK = Moment(-1)  # while a child of the keyholder has a conversation, however fast the machine is


class Served:
    """A daemon of this test's own, started as the client starts it: with a mount, or (`alone`) for one connection."""

    def __init__(self, home: Home, passphrase: str = "", *, alone: bool = False) -> None:
        self.home = home
        self._ends = socket.socketpair() if alone else ()
        self._process = self._alone() if alone else self._serving(passphrase)
        if alone:
            self._ends[1].close()
        self.peer = Peer(self._ends[0] if alone else home.socket)
        report = self.peer.ask(STATUS)
        self.pid, self.keyholder = int(str(report["pid"])), int(str(report["keyholder_pid"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.socket.close()
        self.kill("both")
        self.wait()

    def kill(self, who: str) -> None:
        """Kill -9 the daemon, its keyholder, both, or (by breaking the connection) the client."""
        if who == "client":
            with contextlib.suppress(OSError):
                self.peer.socket.shutdown(socket.SHUT_RDWR)
        for name, pid in (("keyholder", self.keyholder), ("daemon", self.pid)):
            if who in (name, "both") and alive(pid):
                os.kill(pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until both processes have ended."""
        self._process.wait(SECONDS)
        eventually(lambda: not alive(self.keyholder), "the keyholder ends")

    def _alone(self) -> "subprocess.Popen[bytes]":
        return self._start("answer", str(self._ends[1].fileno()), kept=(self._ends[1].fileno(),))

    def _serving(self, passphrase: str) -> "subprocess.Popen[bytes]":
        reading, writing = os.pipe()
        secret = memory(passphrase.encode()) if passphrase else -1
        words = ["serve", "--ready", str(writing), *(["--passphrase", str(secret)] if passphrase else [])]
        process = self._start(*words, kept=(writing, *([secret] if passphrase else [])))
        for descriptor in (writing, secret):
            if descriptor >= 0:
                os.close(descriptor)
        with os.fdopen(reading, "rb") as file:
            told = file.read()
        if b'"done"' not in told:
            process.wait(SECONDS)
            raise AssertionError(told.decode(errors="replace"))
        return process

    def _start(self, *words: str, kept: tuple[int, ...]) -> "subprocess.Popen[bytes]":
        with (self.home.path / "printed").open("ab") as printed:
            command = [sys.executable, "-I", "-m", "envfs.daemon", *words]
            environ = self.home.environ()
            return subprocess.Popen(
                command, env=environ, pass_fds=kept, stdin=subprocess.DEVNULL, stderr=printed, cwd="/"
            )


def put_under_passphrase(home: Home, passphrase: str) -> None:
    """Put a home's identity, which lies in a file, under a passphrase that is quickly tried."""
    text = home.settings.read_text(encoding="utf-8")
    named = next(line for line in text.splitlines() if line.startswith("file = "))
    identity = Path(named.split('"')[1]).read_bytes()
    home.settings.write_text(text.replace(f"[identity]\n{named}\n", ""), encoding="utf-8")
    (home.path / "identity.age").write_bytes(forger.under_passphrase(identity, passphrase))
    (home.path / "identity.age").chmod(0o600)


@contextlib.contextmanager
def struck(served: Served, moment: Moment, who: str) -> Iterator[None]:
    """Kill at that moment, while what is inside goes on."""
    if moment.call:
        with traced(served.pid, "-e", f"inject={moment.call}:signal=KILL:when={moment.number}"):
            yield
        return
    if moment == AT_WORK:
        with struck_at_work(served, who):
            yield
        return
    timer = threading.Timer(moment.seconds, served.kill, (who,))
    timer.start()
    try:
        yield
    finally:
        timer.join()


@contextlib.contextmanager
def struck_at_work(served: Served, who: str) -> Iterator[None]:
    """Kill while a child of the keyholder has a conversation."""
    thread = threading.Thread(target=_kill_at_work, args=(served, who))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _kill_at_work(served: Served, who: str) -> None:
    child = stopped_at_work(served.keyholder)
    served.kill(who)
    with contextlib.suppress(ProcessLookupError):  # it has died with its keyholder
        os.kill(child, signal.SIGCONT)


def stopped_at_work(keyholder: int) -> int:
    """Wait until a child of the keyholder has a conversation, and stop it there; return its process id."""
    found: list[int] = []

    def is_stopped() -> bool:
        found[:] = _stopped_at_work(keyholder)
        return bool(found)

    eventually(is_stopped, "a child has a conversation", pause=0.001)
    return found[0]


def _stopped_at_work(keyholder: int) -> list[int]:
    # a child that waits has the socket on which the keyholder passes conversations; one at work has closed it
    waits_at = _sockets(keyholder)
    for child in Path(f"/proc/{keyholder}/task/{keyholder}/children").read_text(encoding="ascii").split():
        with contextlib.suppress(OSError):
            if not _sockets(int(child)) & waits_at:
                os.kill(int(child), signal.SIGSTOP)
                eventually(functools.partial(_is_still, child), "the child stops")
                if _sockets(int(child)):  # it has not ended meanwhile
                    return [int(child)]
    return []


def _is_still(pid: str) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] in "TZX"


def _sockets(pid: int) -> set[str]:
    links = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            links.add(link.readlink().name)
    return {name for name in links if name.startswith("socket:")}


@contextlib.contextmanager
def traced(pid: int, *words: str) -> Iterator[list[str]]:
    """Trace the lasting system calls of a process; their names are in the list at the end."""
    assert STRACE
    listed, calls = memory(b""), []
    command = [STRACE, "-f", "-p", str(pid), "-e", f"trace={','.join(LASTING)}", "-o", f"/dev/fd/{listed}", *words]
    status = Path(f"/proc/{pid}/status")
    with subprocess.Popen(command, pass_fds=(listed,), stderr=subprocess.DEVNULL) as child:
        eventually(lambda: "TracerPid:\t0\n" not in status.read_text(encoding="utf-8"), "strace has come")
        try:
            yield calls
        finally:
            child.kill()  # what it traced goes on; told to end, it may wait for ever for what dies meanwhile
    calls += _CALL.findall(os.pread(listed, 1 << 24, 0).decode())
    os.close(listed)

"""Servers of the tests: started as a user without rights, on a free port, and ended whatever happens."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.system.home import alive, eventually

NOBODY = 65534
HERE = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def as_nobody(*command: str) -> list[str]:
    """Return a command that runs as a user who owns nothing else, where this one may choose."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


def give_away(path: Path) -> None:
    """Give a folder, and all in it, to that user."""
    if os.geteuid() == 0:
        for one in (path, *path.rglob("*")):
            os.chown(one, NOBODY, NOBODY, follow_symlinks=False)


class Server:
    """A server that can be killed, paused and started again. Its output is in a file."""

    def __init__(self, folder: Path, port: int, command: Sequence[str], host: str = HERE) -> None:
        self.folder = folder
        self.host = host
        self.port = port
        self._command = as_nobody(*command)
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    @property
    def named_host(self) -> str:
        """Return the name that its certificate has, or an address where there are no names."""
        return "localhost" if self.host == HERE else self.host

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self._turn:  # what ends it may be another thread
            with (self.folder / "output").open("ab") as output:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder
                )
            eventually(self._is_up, f"{self._command[0]} takes connections")

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "output").read_text(errors="replace")[-2000:]
        return self.answers()

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=5):
            return True
        return False

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash of the machine does: with the processes that it started."""
        with self._turn:
            children = list[int]()
            if self._process is not None:
                tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
                children = [int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()]
            self._end(signal.SIGKILL)
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            eventually(lambda: not any(map(alive, children)), "its processes end")

    def stop(self) -> None:
        """End it as an administrator does."""
        with self._turn:
            self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=60)
            self._process = None


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.kill()

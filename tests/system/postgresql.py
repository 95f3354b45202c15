"""A PostgreSQL server of a test's own, and clients that open a connection each time."""

import ctypes
import ctypes.util
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.system.home import OWNER, SECONDS, as_user, eventually

_HBA = "local all postgres trust\nlocal all all scram-sha-256\n"
_SETTINGS = "listen_addresses = ''\nfsync = off\nmax_connections = 40\nshared_buffers = 1MB\nlog_connections = off\n"
_OK = 0  # of libpq's ConnStatusType


def program(name: str) -> str:
    """Return the path of one of the server's programs, or an empty text if it is not installed."""
    paths = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(paths[-1]) if paths else ""


class Server:
    """A running server at a socket in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"PGHOST": str(folder), "PGUSER": "postgres", "PGDATABASE": "postgres"}

    def do(self, statement: str) -> str:
        """Run SQL as the superuser. Return what it printed."""
        done = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=statement,
            text=True,
            check=True,
            capture_output=True,
            timeout=SECONDS,
            env={"PATH": "/usr/bin:/bin", **self.environ},
        )
        return done.stdout.strip()

    def log(self) -> str:
        """Return what the server wrote."""
        return (self.folder / "log").read_text(encoding="utf-8")


@contextmanager
def served() -> Iterator[Server]:
    """Make a cluster and serve it. A server runs as no root."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    shutil.chown(folder, OWNER, OWNER)
    data = folder / "data"
    _run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
    (data / "pg_hba.conf").write_text(_HBA, encoding="ascii")
    with (data / "postgresql.conf").open("a", encoding="ascii") as settings:
        settings.write(f"{_SETTINGS}unix_socket_directories = '{folder}'\n")
    control = ("pg_ctl", "-D", str(data), "-w", "-t", str(int(SECONDS)))
    _run(*control, "-l", str(folder / "log"), "start")
    try:
        yield Server(folder)
    finally:
        _run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _run(name: str, *words: str) -> None:
    subprocess.run(
        [*as_user(OWNER), program(name), *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        timeout=3 * SECONDS,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )


class Library:
    """Connections by libpq, which psql brings."""

    def __init__(self) -> None:
        self._libpq = ctypes.CDLL(ctypes.util.find_library("pq"))
        self._libpq.PQconnectdb.restype = ctypes.c_void_p
        self._libpq.PQconnectdb.argtypes = [ctypes.c_char_p]
        self._libpq.PQstatus.argtypes = [ctypes.c_void_p]
        self._libpq.PQfinish.argtypes = [ctypes.c_void_p]

    def connects(self, to: str) -> bool:
        """Open a connection and close it. `to` is a URL, or words as libpq takes them."""
        connection = self._libpq.PQconnectdb(to.encode())
        try:
            return bool(self._libpq.PQstatus(connection) == _OK)
        finally:
            self._libpq.PQfinish(connection)


class Pool:
    """Threads that open one connection after the other, each with what they read anew."""

    def __init__(self, connect: Callable[[], bool], threads: int = 4) -> None:
        self._connect = connect
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(threads)]
        self._counts = [0] * threads
        self._ends = threading.Event()
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for_each()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(SECONDS)

    @property
    def connections(self) -> int:
        """How many were opened."""
        return sum(self._counts)

    def wait_for_each(self) -> None:
        """Wait until each thread has opened two more: the second of them began after this was asked."""
        before = list(self._counts)
        eventually(
            lambda: self.failures or all(now >= then + 2 for now, then in zip(self._counts, before, strict=True)),
            "each thread of the pool connects",
        )

    def _work(self, number: int) -> None:
        while not self._ends.is_set():
            try:
                if not self._connect():
                    self.failures.append("no password counted")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the test's to report
                self.failures.append(repr(error))
            self._counts[number] += 1

"""Ready means ready, and a daemon that is stopped holds nobody: the service manager is told, the mount is ended."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from envfs.daemon import watchdog
from tests.conftest import Homes
from tests.system.crashing import STRACE
from tests.system.home import ENVFS, SECONDS, Home, alive, as_user, eventually, mounts_below

_PATIENCE = "5"


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Give a service manager that listens: its name in NOTIFY_SOCKET, and its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = str(tmp_path / "notify") if request.param == "path" else f"@envfs-test-{os.getpid()}"
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(SECONDS)
        yield name, listener


def _started(home: Home, **environ: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([ENVFS, "mount", "--foreground"], env=home.environ(environ), stderr=subprocess.DEVNULL)


def test_a_service_manager_is_told_when_the_mount_serves_and_when_it_ends(
    shop: Home, manager: tuple[str, socket.socket]
) -> None:
    name, listener = manager
    with _started(shop, NOTIFY_SOCKET=name) as daemon:
        words = listener.recv(1000).decode().split("\n")
        assert "READY=1" in words
        assert f"STATUS=serving {shop.mnt}" in words
        assert "COMPANY_NAME" in shop.view("/shop/prod").read_text()
        daemon.terminate()
        assert listener.recv(1000) == b"STOPPING=1"
        assert daemon.wait(SECONDS) == 0


def test_a_service_manager_is_told_that_it_is_well_only_while_it_is(
    shop: Home, manager: tuple[str, socket.socket]
) -> None:
    name, listener = manager
    with _started(shop, NOTIFY_SOCKET=name, WATCHDOG_USEC="1000000", ENVFS_WATCHDOG="0") as daemon:
        assert b"READY=1" in listener.recv(1000)
        assert [listener.recv(1000) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        daemon.send_signal(signal.SIGSTOP)
        eventually(lambda: _state(daemon.pid) == "T", "it is stopped")
        _take_all(listener)
        time.sleep(1)
        assert _take_all(listener) == []
        daemon.send_signal(signal.SIGCONT)
        assert listener.recv(1000) == b"WATCHDOG=1"
        daemon.terminate()
        daemon.wait(SECONDS)


def _take_all(listener: socket.socket) -> list[bytes]:
    """Take what has come until now."""
    taken = []
    while select.select([listener], [], [], 0)[0]:
        taken.append(listener.recv(1000))
    return taken


@pytest.mark.parametrize("name", ["", "relative", "/not/there", "@not-there", "vsock:2:1"])
def test_a_service_manager_that_does_not_listen_changes_nothing(shop: Home, name: str) -> None:
    daemon = shop.mount(environ={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "x"})
    assert shop.envfs("get", "/shop", "APP_NAME").text == "shop\n"
    shop.end(daemon)


def _homes(new_home: Homes, stocked: Home, user_home: Home) -> dict[str, Home]:
    return {"root": new_home(stocked), "a user": user_home}


@pytest.mark.parametrize("whose", ["root", "a user"])
def test_who_reads_from_a_daemon_that_is_stopped_is_released(
    new_home: Homes, stocked: Home, user_home: Home, whose: str
) -> None:
    home = _homes(new_home, stocked, user_home)[whose]
    daemon = home.mount(environ={"ENVFS_WATCHDOG": _PATIENCE})
    reader = [*as_user(home.uid), "timeout", str(int(SECONDS)), "ls", str(home.mnt)]
    assert subprocess.run(reader, check=False, capture_output=True).returncode == 0
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        done = subprocess.run(reader, check=False, capture_output=True, env={"LC_ALL": "C"})
        assert done.returncode == 2
        assert b"connect" in done.stderr  # ENOTCONN, or ECONNABORTED for a reader that waited already
    finally:
        with suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGCONT)
    eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "the daemon ends")
    again = home.mount()
    assert subprocess.run(reader, check=False, capture_output=True).returncode == 0
    home.end(again)
    assert mounts_below(home.path) == []


def test_a_daemon_that_is_stopped_for_a_moment_goes_on(served: tuple[Home, object]) -> None:
    home, daemon = served
    pid = home.daemon().pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(pid, signal.SIGCONT)
    assert "COMPANY_NAME" in home.view("/shop/prod").read_text()
    assert home.daemon() == daemon


def test_the_watchdog_ends_with_the_daemon_and_can_be_left_out(shop: Home) -> None:
    daemon = shop.mount()
    assert len(_watchdogs(daemon.pid)) == 1
    watchdog = _watchdogs(daemon.pid)[0]
    os.kill(daemon.pid, signal.SIGKILL)
    eventually(lambda: not alive(watchdog), "the watchdog ends")
    shop.clear_mounts()
    daemon = shop.mount(environ={"ENVFS_WATCHDOG": "0"})
    assert _watchdogs(daemon.pid) == []
    shop.end(daemon)


def _watchdogs(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return [int(each) for each in children if b"watchdog.py" in Path(f"/proc/{each}/cmdline").read_bytes()]


_WAITS_AS_FOR_A_DISK = """
import ctypes, os, time
libc = ctypes.CDLL(None)
if libc.vfork() == 0:  # whose parent waits, and no signal but SIGKILL wakes it
    time.sleep(600)
    libc._exit(0)
os._exit(0)
"""


def test_a_daemon_that_waits_for_its_disk_is_given_longer_than_one_that_is_stopped() -> None:
    reading, writing = os.pipe()
    words = [sys.executable, "-I", "-c", _WAITS_AS_FOR_A_DISK]
    with subprocess.Popen(words, start_new_session=True) as waiting:
        eventually(lambda: _state(waiting.pid) == "D", "it waits")
        timer = threading.Timer(2, os.close, (writing,))
        timer.start()
        assert not watchdog.watch_heartbeat(reading, waiting.pid, 1.0)
        timer.join()
        os.killpg(waiting.pid, signal.SIGKILL)  # the one for which it waits as well
    os.close(reading)
    reading, writing = os.pipe()
    with subprocess.Popen(["sleep", "60"]) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        assert watchdog.watch_heartbeat(reading, stopped.pid, 1.0)
        stopped.kill()
    os.close(reading)
    os.close(writing)


@pytest.mark.skipif(not STRACE, reason="needs strace")
def test_a_daemon_that_is_killed_while_it_looks_at_its_own_mount_is_gone_and_the_next_one_starts(shop: Home) -> None:
    """A thread waits for an answer that nobody gives any more, and only the end of the connection frees it."""
    daemon = shop.mount(environ={"ENVFS_WATCHDOG": "2"})
    seconds = int(3 * SECONDS)
    slow = ["-e", "trace=writev", "-e", f"inject=writev:delay_enter={seconds}000000"]
    with subprocess.Popen([str(STRACE), "-p", str(daemon.pid), *slow], stderr=subprocess.DEVNULL) as tracing:
        try:
            eventually(lambda: _waits_for_itself(daemon.pid), "a thread looks at the mount, and gets no answer")
            os.kill(daemon.pid, signal.SIGKILL)
        finally:
            tracing.kill()
    eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "the daemon ends")
    eventually(lambda: not _threads(daemon.pid), "and so do its threads")
    again = shop.mount()
    assert "COMPANY_NAME" in shop.view("/shop/prod").read_text()
    shop.end(again)


def _threads(pid: int) -> list[str]:
    # one that waits for the mount counts: the first thread of its process may be dead
    with suppress(FileNotFoundError, ProcessLookupError):
        return [each for each in os.listdir(f"/proc/{pid}/task") if each != str(pid)]
    return []


def _waits_for_itself(pid: int) -> bool:
    waits = (Path(f"/proc/{pid}/task/{each}/wchan").read_bytes() for each in _threads(pid))
    return any(b"request_wait_answer" in wait for wait in waits)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]

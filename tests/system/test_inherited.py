"""A daemon keeps nothing of the one who started it: descriptors, session, folder, signals, environment."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.system.home import ENVFS, SECONDS, Home, alive, eventually, processes_of

_SECRET = "hunter2-in-the-environment"


def _fds(pid: int) -> dict[int, str]:
    links = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it is closed by now
            links[int(path.name)] = os.readlink(path)
    return links


def _status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{field}:")), 16)


@pytest.fixture
def strange(shop: Home) -> tuple[Home, list[int]]:
    """Mount with descriptors, ignored and blocked signals, a secret in the environment; return daemon and children."""
    lock = os.open(shop.path / "a script's lock", os.O_CREAT | os.O_RDWR)
    reading, writing = os.pipe()
    fcntl.flock(lock, fcntl.LOCK_EX)
    for descriptor in (lock, writing):
        os.set_inheritable(descriptor, True)
    script = """
import os, signal, sys
for number in (signal.SIGCHLD, signal.SIGUSR2, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD))
os.execv(sys.argv[1], sys.argv[1:])
"""
    subprocess.run(
        [sys.executable, "-I", "-c", script, ENVFS, "mount"],
        check=True,
        env={**shop.environ(), "AWS_SECRET": _SECRET, "LD_PRELOAD": "", "PYTHONSTARTUP": "x"},
        pass_fds=(lock, writing),
        cwd=shop.path,
        timeout=SECONDS,
    )
    os.close(lock)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b""  # nobody has the other end: who waits for it is not kept waiting
    with open(shop.path / "a script's lock", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    daemon = shop.daemon()
    children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="utf-8").split()
    return shop, [daemon.pid, *map(int, children)]


def test_a_daemon_keeps_nothing_of_the_one_who_started_it(strange: tuple[Home, list[int]]) -> None:
    home, pids = strange
    pid = pids[0]
    assert len(pids) >= 3, "keyholder and watchdog"
    log = str(home.state / "daemon.log")
    assert (_fds(pid)[0], _fds(pid)[1], _fds(pid)[2]) == (os.devnull, log, log)
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.getsid(pid) == pid
    ignored, blocked = _status(pid, "SigIgn"), _status(pid, "SigBlk")
    assert not [n for n in (signal.SIGCHLD, signal.SIGUSR2, signal.SIGQUIT) if ignored >> (n - 1) & 1]
    assert blocked == 0
    for each in pids:
        assert _SECRET not in Path(f"/proc/{each}/environ").read_text(encoding="utf-8")
        assert "PYTHONSTARTUP" not in Path(f"/proc/{each}/environ").read_text(encoding="utf-8")
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not alive(pid), "a daemon that was started with SIGTERM blocked ends by it")


def test_a_daemon_for_one_command_keeps_nothing_open_of_its_caller(shop: Home) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    done = subprocess.run(
        [ENVFS, "get", "/shop", "APP_NAME"],
        check=True,
        env=shop.environ(),
        pass_fds=(writing,),
        stdout=subprocess.PIPE,
        timeout=SECONDS,
    )
    os.close(writing)
    assert done.stdout == b"shop\n"
    with open(reading, "rb") as pipe:
        assert pipe.read() == b""
    eventually(lambda: not processes_of(shop.path), "it ends by itself")


def test_a_daemon_in_the_foreground_keeps_its_session_and_nothing_else(shop: Home) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    words = [ENVFS, "mount", "--foreground"]
    with subprocess.Popen(words, env=shop.environ(), pass_fds=(writing,), cwd=shop.path) as daemon:
        os.close(writing)
        with open(reading, "rb") as pipe:
            assert pipe.read() == b""
        eventually(lambda: shop.view("/shop").exists(), "it serves")
        assert os.getsid(daemon.pid) == os.getsid(0)
        assert os.readlink(f"/proc/{daemon.pid}/cwd") == "/"
        daemon.send_signal(signal.SIGINT)
        assert daemon.wait(SECONDS) == 0


def test_a_home_that_is_named_from_the_current_folder_is_found_by_the_daemon(shop: Home) -> None:
    environ = {**shop.environ(), "ENVFS_HOME": shop.path.name, "PWD": str(shop.path.parent)}
    subprocess.run([ENVFS, "mount"], check=True, env=environ, cwd=shop.path.parent, timeout=SECONDS)
    assert shop.view("/shop").exists()
    shop.end(shop.daemon())

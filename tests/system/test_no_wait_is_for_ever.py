"""A client never waits for ever: a daemon that works says so, and one that is stopped is status 121 in seconds."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Home, Said, eventually
from tests.system.peer import Body, Peer, frame

_TIMED_OUT = 121
_PATIENCE = 10
_COMMANDS: list[tuple[str, ...]] = [
    ("status",),
    ("status", "--json"),
    ("doctor",),
    ("log",),
    ("log", "--follow"),
    ("log", "verify"),
    ("ls",),
    ("get", "/shop", "APP_NAME"),
    ("show", "/shop"),
    ("export", "/shop"),
    ("exec", "/shop", "--", "true"),
    ("exec", "--watch", "/shop", "--", "true"),
    ("history", "/shop"),
    ("grants",),
    ("lock",),
    ("unlock",),
    ("verify",),
    ("unmount",),
]


@pytest.fixture(scope="module")
def stopped(new_home: Homes, stocked: Home) -> Iterator[tuple[Home, int]]:
    """Give a home whose daemon is stopped, and that nobody ends."""
    home = new_home(stocked)
    daemon = home.mount(environ={"ENVFS_WATCHDOG": "0"})
    os.kill(daemon.pid, signal.SIGSTOP)
    yield home, daemon.pid
    os.kill(daemon.pid, signal.SIGCONT)
    home.end(daemon)


def test_every_command_says_that_the_daemon_does_not_answer(stopped: tuple[Home, int]) -> None:
    home, pid = stopped

    def ask(words: tuple[str, ...]) -> Said:
        return home.envfs(*words, status=_TIMED_OUT)

    with ThreadPoolExecutor(len(_COMMANDS)) as pool:
        for said in pool.map(ask, _COMMANDS):
            assert "does not answer" in said.complaint
            assert f"kill -CONT {pid}" in said.complaint
            assert "Traceback" not in said.complaint


def test_a_daemon_whose_queue_of_clients_is_full_is_no_endless_wait(stopped: tuple[Home, int]) -> None:
    home, _ = stopped
    with ExitStack() as stack:
        for _ in range(300):
            peer = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            if peer.connect_ex(str(home.socket)):
                break
        else:
            pytest.fail("the queue has no end")
        home.envfs("get", "/shop", "APP_NAME", status=_TIMED_OUT)


def test_whoever_follows_is_told_when_the_daemon_stops(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    daemon = home.mount(environ={"ENVFS_WATCHDOG": "0"})
    with subprocess.Popen([ENVFS, "log", "--follow"], env=home.environ(), stdout=subprocess.DEVNULL) as follower:
        time.sleep(_PATIENCE + 2)
        assert follower.poll() is None  # nothing happens, and it goes on
        os.kill(daemon.pid, signal.SIGSTOP)
        assert follower.wait(SECONDS) == _TIMED_OUT
    os.kill(daemon.pid, signal.SIGCONT)
    home.end(daemon)


def test_a_request_that_takes_long_is_told_of(served: tuple[Home, object]) -> None:
    home, _ = served
    body: Body = {"type": "watch-view", "level": "/shop"}
    with Peer(home.socket) as peer:
        peer.send(frame(body))
        assert peer.next()["type"] == "news-row"
        for _ in range(3):
            assert peer.next() == {"type": "working-row"}


def test_a_command_that_watches_goes_on_while_the_daemon_is_stopped(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    daemon = home.mount(environ={"ENVFS_WATCHDOG": "0"})
    words = [ENVFS, "exec", "--watch", "/shop", "--", "sleep", "60"]
    with subprocess.Popen(words, env=home.environ(), stderr=subprocess.PIPE, text=True) as watcher:
        eventually(lambda: "sleep" in _children(watcher.pid), "the command runs")
        os.kill(daemon.pid, signal.SIGSTOP)
        assert watcher.stderr is not None
        assert "the daemon does not answer: the command goes on" in watcher.stderr.readline()
        os.kill(daemon.pid, signal.SIGCONT)
        assert watcher.poll() is None
        watcher.terminate()
        watcher.wait(SECONDS)
    home.end(daemon)


def _children(pid: int) -> str:
    done = subprocess.run(["ps", "-o", "args=", "--ppid", str(pid)], check=False, capture_output=True, text=True)
    return done.stdout

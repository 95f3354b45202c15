"""Who works at a home keeps nobody waiting who need not wait: a person who types, a daemon that starts, a look.

Of the tables, command by moment, `make test` tries each command and each moment; `make soak` tries all.
"""

import fcntl
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.conftest import Homes
from tests.selection import spread
from tests.system.home import ENVFS, PASSPHRASE, SECONDS, Home, eventually
from tests.system.terminal import Terminal


@pytest.fixture(scope="module")
def with_a_value(new_home: Homes) -> Home:
    """Give a home with one value, that nothing serves. Not to be changed: `home` copies it."""
    home = new_home()
    home.envfs("set", "/app", "A", given="1")
    home.settle()
    return home


@pytest.fixture
def home(new_home: Homes, with_a_value: Home) -> Home:
    """Give one test a copy of it."""
    return new_home(with_a_value)


@contextmanager
def working(home: Home) -> Iterator[None]:
    """Keep the lock of a home, as a process that works there does."""
    handle = os.open(home.state / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def wait_until_it_waits(home: Home, pid: Callable[[], int]) -> None:
    """Wait until a process has the lock of a home open: it tries it again and again then."""

    def is_open() -> bool:
        with suppress(OSError):
            links = [os.readlink(f"/proc/{pid()}/fd/{handle}") for handle in os.listdir(f"/proc/{pid()}/fd")]
            return f"{home.state}/daemon.lock" in links
        return False

    eventually(is_open, "it waits for the lock")


def is_free(home: Home) -> bool:
    try:
        with working(home):
            return True
    except BlockingIOError:
        return False


ASKING = {
    "get": (("get", "/app", "TOKEN"), ()),
    "set": (("set", "/app", "NEW"), (("passphrase: ", PASSPHRASE),)),
    "passwd": (("passwd",), (("passphrase: ", PASSPHRASE),)),
    "project": (("project", "new", "safe", "--zero-knowledge", "-y"), ()),
    "exec": (("exec", "/app", "--", "true"), ()),
    "rollback": (("rollback", "/app", "1"), ()),
}
PROMPT = {
    "set": "value of NEW: ",
    "passwd": "new passphrase: ",
    "project": "new passphrase of /safe: ",
    "rollback": "[y/N]",
}


@pytest.mark.parametrize("name", ASKING)
def test_whoever_is_asked_something_keeps_no_lock(own: Home, name: str) -> None:
    words, typed = ASKING[name]
    with Terminal([ENVFS, *words], own.environ()) as terminal:
        for asked, answer in typed:
            terminal.expect(asked)
            terminal.type(answer)
        terminal.expect(PROMPT.get(name, "passphrase: "))
        eventually(lambda: is_free(own), "the lock is free")
        assert own.status()["running"] is False
        assert own.envfs("get", "/app", "TOKEN", environ=own.knowing()).text == "tok-71-sentinel\n"
        eventually(lambda: is_free(own), "the lock is free again")
        terminal.press("\x03")
        assert terminal.end() in (100, 130)


def test_a_passphrase_goes_to_the_daemon_that_was_started_meanwhile(own: Home) -> None:
    with Terminal([ENVFS, "set", "/app", "NEW"], own.environ()) as terminal:
        terminal.expect("passphrase: ")
        terminal.type(PASSPHRASE)
        terminal.expect("value of NEW: ")
        daemon = own.mount(environ=own.knowing())
        terminal.type("meanwhile")
        assert terminal.end() == 0
        assert own.envfs("get", "/app", "NEW").text == "meanwhile\n"
        own.end(daemon)


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("doctor",), ("doctor", "--json")])
def test_status_and_doctor_wait_for_nobody_and_change_nothing(home: Home, words: tuple[str, ...]) -> None:
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    with working(home):
        said = home.envfs(*words, status=None)
        assert said.status in (0, 100), said
        assert "another envfs process" not in said.text + said.complaint
        assert said.out
    home.settle()
    assert {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()} == before


def test_a_look_says_what_is_wrong_with_the_log(home: Home) -> None:
    home.log_file.unlink()
    assert "gone" in home.problems()


@pytest.mark.parametrize(
    ("words", "delay"),
    spread([("status",), ("get", "/app", "A"), ("unlock",)], [0.0, 0.05, 0.1, 0.2, 0.4]),
    ids=lambda part: part[0] if isinstance(part, tuple) else None,
)
def test_a_command_that_comes_while_a_daemon_starts_is_answered(
    home: Home, words: tuple[str, ...], delay: float
) -> None:
    started = subprocess.Popen(
        [ENVFS, "mount", "--foreground"], env=home.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if words[0] == "unlock":  # it needs the daemon: there is none before it has the lock
            eventually(lambda: not is_free(home) or home.socket.exists(), "the daemon starts")
        time.sleep(delay)
        home.envfs(*words)
    finally:
        eventually(lambda: home.envfs("unmount", status=None).status == 0, "the daemon can be ended")
        started.wait(SECONDS)
        home.clear_mounts()


def test_a_command_waits_for_another_one_and_goes_on_when_that_is_done(home: Home) -> None:
    with working(home):
        waiting = subprocess.Popen([ENVFS, "get", "/app", "A"], env=home.environ(), stdout=subprocess.PIPE, text=True)
        wait_until_it_waits(home, lambda: waiting.pid)
        assert waiting.poll() is None
    out, _ = waiting.communicate(timeout=SECONDS)
    assert (waiting.returncode, out) == (0, "1\n")


@contextmanager
def ending(home: Home, how: str) -> Iterator[None]:
    """Stand at the socket of a home as an ending daemon: it accepts nobody, leaves at once, or after reading."""
    path = home.socket
    path.parent.mkdir(exist_ok=True)

    def leave(listener: socket.socket) -> None:
        with listener:
            select.select([listener], [], [], SECONDS)
            if how != "accepts nobody":
                with listener.accept()[0] as peer:
                    select.select([peer], [], [], SECONDS)
                    if how == "reads":
                        peer.recv(1 << 16)
            path.unlink()

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    thread = threading.Thread(target=leave, args=(listener,))
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize(
    ("how", "words"),
    spread(
        ["accepts nobody", "leaves at once", "reads"],
        [("get", "/app", "A"), ("set", "/app", "B"), ("status",), ("exec", "/app", "--", "true")],
    ),
)
def test_a_command_that_comes_while_a_daemon_ends_goes_on_without_it(
    home: Home, how: str, words: tuple[str, ...]
) -> None:
    with ending(home, how):
        done = home.envfs(*words, given="2" if words[0] == "set" else None, status=None)
    if words[0] == "set" and how == "reads":  # it may have begun with it
        assert (done.status, "broke off" in done.complaint) == (120, True), done
    elif words[0] == "status":
        assert "does not run" in done.text
    else:
        assert done.status == 0, done
    home.settle()


def test_ctrl_c_ends_the_waiting_and_leaves_nothing(home: Home) -> None:
    with working(home), Terminal([ENVFS, "get", "/app", "A"], home.environ()) as terminal:
        wait_until_it_waits(home, lambda: os.tcgetpgrp(terminal.master))
        terminal.press("\x03")
        assert terminal.end() == 130
        assert "Traceback" not in terminal.shown
    home.settle()

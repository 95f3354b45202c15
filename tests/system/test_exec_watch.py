"""`envfs exec --watch` starts its command anew when what it gets has changed, and is not in its way otherwise."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, SECONDS, Daemon, Home, alive, eventually
from tests.system.peer import Peer
from tests.system.terminal import Terminal
from tests.system.watchers import writer

_COMMAND = """
import os, signal, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "gentle" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
with open(sys.argv[1], "a", buffering=1) as told:  # it listens by now
    told.write(f"{os.getpid()} {os.environ.get('COUNT', '-')}\\n")
if "family" in sys.argv and not os.fork():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(sys.argv[1] + ".child", "w") as told:
        told.write(str(os.getpid()))
while True:
    time.sleep(60)
"""


class Run:
    """A watched command; `starts` are the process id and the value of COUNT of each start."""

    def __init__(self, process: subprocess.Popen[bytes], told: Path) -> None:
        self.process = process
        self._told = told

    @property
    def starts(self) -> list[tuple[int, str]]:
        lines = self._told.read_text().splitlines() if self._told.exists() else []
        return [(int(line.split(" ")[0]), line.split(" ")[1]) for line in lines]

    def wait(self, count: int) -> tuple[int, str]:
        """Wait for start number `count`, and return it."""
        eventually(lambda: len(self.starts) >= count, f"start {count} of {self.starts}")
        return self.starts[count - 1]

    @property
    def said(self) -> str:
        """What the watcher has said so far."""
        return _said_in(self._told).read_text()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the watcher a signal; return its status and what it said."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS), self.said


def _said_in(told: Path) -> Path:
    return told.with_name(f"{told.name}.said")


@contextmanager
def watched(
    home: Home, told: Path, *words: str, options: tuple[str, ...] = (), environ: dict[str, str] | None = None
) -> Iterator[Run]:
    """Run the command for as long as the block lasts."""
    command = [sys.executable, "-I", "-S", "-c", _COMMAND, str(told), *words]
    with _said_in(told).open("wb") as said:
        process = subprocess.Popen(
            [ENVFS, "exec", "/shop/prod", "--watch", *options, "--", *command],
            env=home.environ(environ),
            stdin=subprocess.DEVNULL,
            stderr=said,
        )
    run = Run(process, told)
    try:
        run.wait(1)
        yield run
    finally:
        process.terminate()
        process.wait(SECONDS)
        for number, _ in run.starts:
            eventually(lambda number=number: not alive(number), "the command ends")  # type: ignore[misc]


@pytest.fixture(scope="module")
def mounted(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give the module a home with a daemon."""
    home = new_home(stocked)
    with home.served():
        yield home


@pytest.fixture
def home(mounted: Home) -> Iterator[Home]:
    """Give one test this home, in which there is no COUNT at first."""
    yield mounted
    with Peer(mounted.socket) as peer:
        peer.ask_all({"type": "unset-variable", "level": "/shop/prod", "name": "COUNT"})


@pytest.fixture
def own(served: tuple[Home, Daemon]) -> Home:
    """Give one test a daemon that it may end, or take the rules from."""
    return served[0]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Give the path of the file where the command says that it started."""
    return tmp_path / "told"


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_change_starts_the_command_anew_with_the_new_value(home: Home, told: Path) -> None:
    with watched(home, told) as run, writer(home.socket) as write:
        for number in range(1, 4):
            before = run.starts[-1][0]
            write.set("/shop/prod", "COUNT", str(number))
            assert run.wait(number + 1)[1] == str(number)
            assert not alive(before)
            assert children(run.process.pid) == [str(run.starts[-1][0])]
        write.set("/", "TZ_NAME", "UTC")
        assert run.wait(5)[1] == "3"
        status, said = run.end()
    assert status == 128 + signal.SIGTERM
    assert said.count("envfs: note: its variables have changed: the command is started again\n") == 4


def test_what_comes_from_the_commands_environment_is_completed_at_each_start(home: Home, told: Path) -> None:
    home.envfs("set", "/shop/prod", "COUNT", "--template", given="${HOME}-1")
    with watched(home, told, environ={"HOME": "$x"}) as run:
        assert run.starts[0][1] == "$x-1"
        home.envfs("set", "/shop/prod", "COUNT", "--template", given="${NOBODY}${HOME:-1}-2")
        assert run.wait(2)[1] == "$x-2"
        # the value without an environment is the same: what the command gets is not
        home.envfs("set", "/shop/prod", "COUNT", "--template", given="${NOBODY:-}${NEITHER:-1}-2")
        assert run.wait(3)[1] == "1-2"


def test_many_changes_in_a_row_are_one_start_or_a_few_and_the_last_value_counts(home: Home, told: Path) -> None:
    with watched(home, told) as run, writer(home.socket) as write:
        run.process.send_signal(signal.SIGSTOP)  # so that they come in a row however long each takes
        for number in range(10):
            write.set("/shop/prod", "COUNT", str(number))
        run.process.send_signal(signal.SIGCONT)
        eventually(lambda: run.starts[-1][1] == "9", "the last value")
        time.sleep(1)
        assert run.starts[-1][1] == "9"
        assert len(run.starts) <= 4


def test_what_the_command_does_not_get_starts_nothing(home: Home, told: Path) -> None:
    home.envfs("set", "/shop/prod", "COUNT", given="0")
    with watched(home, told, options=("--only", "COUNT,S3_BUCKET")) as run, writer(home.socket) as write:
        write.set("/shop/prod", "OTHER", "1")
        write.set("/", "TZ_NAME", "UTC")
        write.set("/shop/prod", "COUNT", "0")
        home.envfs("key", "rotate", "shop")
        time.sleep(1)
        assert len(run.starts) == 1
        write.set("/shop/prod", "COUNT", "1")
        assert run.wait(2)[1] == "1"


def test_a_command_that_is_deaf_is_killed_after_the_grace_time_with_all_that_it_started(home: Home, told: Path) -> None:
    with watched(home, told, "deaf", "family", options=("--grace", "1s")) as run, writer(home.socket) as write:
        (first, _), family = run.starts[0], Path(f"{told}.child")
        eventually(lambda: family.exists() and family.read_text(), "the command's child")
        child = int(family.read_text())
        started = time.monotonic()
        write.set("/shop/prod", "COUNT", "1")
        assert run.wait(2)[1] == "1"
        assert time.monotonic() - started > 1
        assert not alive(first)
        eventually(lambda: not alive(child), "the command's child ends")
        eventually(lambda: family.read_text() not in ("", str(child)), "the new command's child")
        for number in (run.starts[1][0], int(family.read_text())):
            os.kill(number, signal.SIGKILL)
        assert run.process.wait(SECONDS) == 128 + signal.SIGKILL


def test_changes_while_the_command_takes_its_time_to_end_are_not_lost(home: Home, told: Path) -> None:
    with watched(home, told, "deaf", options=("--grace", "2s")) as run, writer(home.socket) as write:
        write.set("/shop/prod", "COUNT", "1")
        time.sleep(1)
        write.set("/shop/prod", "COUNT", "2")
        in_time = alive(run.starts[0][0])  # on a busy machine the command may have been killed by now
        assert run.wait(2)[1] == "2" or not in_time
        eventually(lambda: run.starts[-1][1] == "2", "the last value")
        time.sleep(1)
        assert len(run.starts) == 2 or not in_time
        os.kill(run.starts[-1][0], signal.SIGKILL)


@pytest.mark.parametrize("status", [0, 3, 42, 126])
def test_the_commands_status_is_passed_on_and_ends_it(home: Home, status: int) -> None:
    home.envfs("exec", "/shop/prod", "--watch", "--", "sh", "-c", f"exit {status}", status=status)


def test_a_signal_that_ends_the_command_is_128_and_the_signal(home: Home) -> None:
    home.envfs("exec", "/shop/prod", "--watch", "--", "sh", "-c", "kill -KILL $$", status=128 + signal.SIGKILL)
    assert "no-such" in home.envfs("exec", "/shop/prod", "--watch", "--", "no-such-command", status=127).complaint


@pytest.mark.parametrize(("how", "status"), [("plain", 128 + signal.SIGTERM), ("gentle", 5)])
def test_a_term_is_passed_on_and_its_outcome_back(home: Home, told: Path, how: str, status: int) -> None:
    with watched(home, told, how) as run:
        assert run.end()[0] == status
        assert not alive(run.starts[0][0])


def caught(home: Home) -> tuple[subprocess.Popen[bytes], int]:
    """Start a watcher; its child is stopped before that is a command, and both are returned."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _STOPS_ITS_CHILD, "exec", "/shop/prod", "--watch", "--", "sleep", "60"],
        env=home.environ(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: any(map(is_stopped, children(process.pid))), "a child stops")
    (child,) = map(int, children(process.pid))
    assert os.getpgid(child) == process.pid
    return process, child


_STOPS_ITS_CHILD = """
import os, signal, sys
from envfs_cli import main
from envfs_cli.watch import child
fork = child.os.fork
def stopping():
    number = fork()
    if number == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
    return number
child.os.fork = stopping
sys.exit(main.main())
"""


def is_stopped(pid: int | str) -> bool:
    return "\nState:\tT" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


def has_heard(pid: int, number: int) -> bool:
    """Tell whether a signal that a process was sent waits no more."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    waiting = int(status.partition("\nShdPnd:\t")[2].split()[0], 16)
    return not waiting >> (number - 1) & 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_signal_that_keys_could_have_sent_is_passed_on_however_early_it_comes(home: Home, number: int) -> None:
    process, child = caught(home)
    try:
        process.send_signal(number)
        eventually(lambda: has_heard(process.pid, number), "the signal is heard")
        os.kill(child, signal.SIGCONT)
        assert process.wait(SECONDS) == 128 + number
        assert not alive(child)
    finally:
        process.kill()  # which ends the child
        process.wait(SECONDS)


def test_when_it_is_killed_itself_the_command_is_told_to_end(home: Home, told: Path) -> None:
    with watched(home, told) as run:
        run.process.kill()
        run.process.wait(SECONDS)
        eventually(lambda: not alive(run.starts[0][0]), "the command ends")


def test_it_needs_a_running_daemon_and_a_grant(bare: Home, home: Home) -> None:
    said = bare.envfs("exec", "/shop/prod", "--watch", "--", "true", status=116)
    assert "envfs: hint: start it with `envfs mount`" in said.complaint
    said = home.envfs("exec", "/shop/prod", "--watch", "--", "true", uid=1002, status=102)
    assert "uid 1002 is not approved for /shop/prod" in said.complaint
    home.envfs("exec", "/no/such", "--watch", "--", "true", status=103)


def test_it_outlives_the_daemon_and_sees_what_changed_meanwhile(own: Home, told: Path) -> None:
    with watched(own, told) as run:
        own.envfs("unmount")
        own.envfs("set", "/shop/prod", "COUNT", given="away")
        time.sleep(1)
        assert len(run.starts) == 1
        own.mount()
        assert run.wait(2)[1] == "away"
        with writer(own.socket) as write:
            write.set("/shop/prod", "COUNT", "back")
        assert run.wait(3)[1] == "back"
        assert "envfs: note: the daemon has gone: the command goes on with what it has\n" in run.end()[1]


def test_a_lock_leaves_the_command_as_it_is(home: Home, told: Path) -> None:
    with watched(home, told) as run, writer(home.socket) as write:
        home.envfs("lock")
        eventually(lambda: "the vault was locked" in run.said, "the watcher hears of the lock")
        home.envfs("unlock")
        time.sleep(1)
        assert len(run.starts) == 1
        write.set("/shop/prod", "COUNT", "1")
        assert run.wait(2)[1] == "1"
        assert "envfs: note: the vault was locked: the command goes on with what it has\n" in run.end()[1]


def test_a_grant_that_ends_leaves_the_command_as_it_is_and_tells_nothing_more(own: Home, told: Path) -> None:
    with watched(own, told) as run, writer(own.socket) as write:
        own.envfs("revoke", "/", "--uid", "0")
        write.set("/shop/prod", "COUNT", "1")
        eventually(lambda: "is not approved" in run.said, "the watcher is refused")
        assert len(run.starts) == 1
        assert alive(run.starts[0][0])
        assert "uid 0 is not approved for /shop/prod: the command goes on" in run.end()[1]


def test_what_it_was_told_is_on_the_log(home: Home, told: Path) -> None:
    before = len(home.log())
    with watched(home, told) as run, writer(home.socket) as write:
        write.set("/shop/prod", "COUNT", "1")
        run.wait(2)
    forms = [entry.get("format") for entry in home.log()[before:] if entry["event"] == "read"]
    assert forms == ["changes", "environ", "changes", "environ", "environ"]


# -- at a terminal -----------------------------------------------------------------------------------------------------


def test_the_command_has_the_terminal_and_ctrl_c_ends_both(home: Home) -> None:
    script = "trap 'echo caught; exit 7' INT; echo who; read name; echo hello $name; while :; do sleep 0.1; done"
    for keys, status in (("\x03", 7), ("\x1c", 128 + signal.SIGQUIT)):
        words = [ENVFS, "exec", "/shop/prod", "--watch", "--", "sh", "-c", script]
        with Terminal(words, home.environ()) as terminal:
            terminal.expect("who\n")
            terminal.type("there")
            terminal.expect("hello there\n")
            terminal.press(keys)
            assert terminal.end() == status


def test_the_next_start_has_the_terminal_too(home: Home) -> None:
    script = "echo ready $COUNT; read name; echo hello $name"
    with Terminal([ENVFS, "exec", "/shop/prod", "--watch", "--", "sh", "-c", script], home.environ()) as terminal:
        terminal.expect("ready\n")
        home.envfs("set", "/shop/prod", "COUNT", given="2")
        terminal.expect("ready 2\n")
        terminal.type("again")
        terminal.expect("hello again\n")
        assert terminal.end() == 0


def test_ctrl_z_stops_the_whole_job_and_fg_goes_on_with_it(home: Home) -> None:
    environ = {**home.environ(), "PS1": "prompt> ", "HISTFILE": ""}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], environ) as terminal:
        terminal.expect("prompt> ")
        shell = os.tcgetpgrp(terminal.master)
        terminal.type(f"{ENVFS} exec /shop/prod --watch -- sh -c 'echo one; read a; echo got $a; read b; exit 9'")
        terminal.expect("one\n")
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.type("echo in the $((1 + 1))nd shell")
        terminal.expect("in the 2nd shell")
        terminal.expect("prompt> ")
        terminal.type("fg")
        eventually(lambda: os.tcgetpgrp(terminal.master) != shell, "the command is in the foreground again")
        terminal.type("first")
        terminal.expect("got first")
        terminal.type("second")
        terminal.expect("prompt> ")
        terminal.type("echo status=$?")
        terminal.expect("status=9")
        terminal.type("exit")
        terminal.end()

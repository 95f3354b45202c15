"""What is typed before a passphrase is asked for is not shown, and the terminal is as before whatever ends the work."""

import os
import signal
import sys
import termios
from pathlib import Path

import pytest

from tests.system.home import Home, eventually
from tests.system.terminal import Terminal
from tests.system.test_entry import Shell

_WORK = """
import os, sys, time
from envfs_cli import main
from envfs_cli.terminal import prompts
import _signal
_signal.signal(_signal.SIGINT, main._interrupted)
with open(os.path.join(sys.path[0], "pid"), "w") as file:
    file.write(str(os.getpid()))
with prompts.Waiting("starting"):
    print("it works", flush=True)
    while not sys.argv[1:] or not os.path.exists(sys.argv[1]):
        time.sleep(0.02)
print("it ended")
"""


def _echoes(terminal: Terminal) -> bool:
    return bool(terminal.attributes()[3] & termios.ECHO)  # type: ignore[operator]


def _takes_lines(terminal: Terminal) -> bool:
    return bool(terminal.attributes()[3] & termios.ICANON)  # type: ignore[operator]


def _at_work(terminal: Terminal, tmp_path: Path, words: str = "") -> Path:
    script, ends = tmp_path / "work.py", tmp_path / "end"
    script.write_text(_WORK, encoding="utf-8")
    terminal.type(f"{sys.executable} {script} {ends}{words}")
    terminal.expect("it works")
    return ends


def test_what_is_typed_while_something_is_done_is_not_shown(bare: Home, tmp_path: Path) -> None:
    with Shell(bare) as terminal:
        ends = _at_work(terminal, tmp_path)
        assert not _echoes(terminal)
        shown = len(terminal.shown)
        terminal.press("my-passphrase")
        ends.touch()
        terminal.expect("it ended")
        terminal.expect("sh> ")
        assert "my-passphrase" not in terminal.shown[shown : terminal.shown.index("it ended", shown)]
        assert terminal.attributes() == terminal.modes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_terminal_echoes_again_whatever_ends_the_work(bare: Home, tmp_path: Path, number: int) -> None:
    # a shell without job control puts no modes back by itself
    (tmp_path / "work.py").write_text(_WORK, encoding="utf-8")
    script = f"cd {tmp_path}; trap : INT QUIT; {sys.executable} work.py; echo over; read line"
    with Terminal(["sh", "-c", script], bare.environ({"TERM": "xterm"})) as terminal:
        modes = terminal.attributes()
        terminal.expect("it works")
        assert not _echoes(terminal)
        os.kill(int((tmp_path / "pid").read_text(encoding="ascii")), number)
        terminal.expect("over")
        eventually(lambda: terminal.attributes() == modes, "the terminal is as before")
        terminal.type("")
        terminal.end()


def test_a_job_that_is_stopped_leaves_the_echo_on_and_goes_on_without(bare: Home, tmp_path: Path) -> None:
    with Shell(bare) as terminal:
        ends = _at_work(terminal, tmp_path)
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.expect("sh> ")
        assert terminal.attributes() == terminal.modes
        terminal.type("fg")
        eventually(lambda: not _echoes(terminal), "the echo is off again")
        ends.touch()
        terminal.expect("it ended")
        terminal.expect("sh> ")
        assert terminal.attributes() == terminal.modes


@pytest.mark.parametrize("words", [" | cat", " &"])
def test_the_modes_are_left_to_a_pager_and_to_the_foreground_job(bare: Home, tmp_path: Path, words: str) -> None:
    with Shell(bare) as terminal:
        ends = _at_work(terminal, tmp_path, words)
        assert _echoes(terminal)
        ends.touch()
        terminal.expect("it ended")


def test_a_second_try_is_typed_unseen_while_the_first_is_tried(own: Home) -> None:
    with Shell(own) as terminal:
        terminal.type("envfs mount")
        terminal.expect("passphrase: ")
        terminal.type("wrong")
        eventually(lambda: _takes_lines(terminal) and not _echoes(terminal), "the entry is over, the echo still off")
        shown = len(terminal.shown)
        terminal.press("second-try")
        terminal.expect("try again")
        terminal.expect("passphrase: ")
        terminal.press("\x03")
        terminal.expect("sh> ")
        assert "second-try" not in terminal.shown[shown:]
        assert terminal.attributes() == terminal.modes


def test_a_note_has_a_line_of_its_own_while_something_is_shown_to_be_done(bare: Home) -> None:
    script = """
import sys, time
from envfs_cli import output
from envfs_cli.terminal import prompts
with prompts.Waiting("connecting"):
    sys.stdin.readline()
    output.note("the engine is new")
    sys.stdin.readline()
    output.print_line("a result")
"""
    with Terminal([sys.executable, "-c", script], bare.environ({"TERM": "xterm"})) as terminal:
        terminal.expect("connecting")
        terminal.type("")
        terminal.expect("\r\x1b[Kenvfs: ")
        terminal.expect("the engine is new\n")
        terminal.expect("connecting")  # it goes on
        terminal.type("")
        terminal.expect("\r\x1b[Ka result\n")
        assert terminal.end() == 0

"""The interactive shell on a terminal of its own: a status line, questions answered by keys, hidden values."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, LOOK, Home, as_user, eventually, processes_of
from tests.system.terminal import Terminal

ASKER, LEVEL = 1001, "/shop/prod"
PEM = (
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHNlbnRpbmVsLXNlbnRpbmVsLXNlbnRpbmVs\n-----END PRIVATE KEY-----\n"
)
SIGN = "MC4CAQAwBQYDK2VwBCIEIHNlbnRpbmVs"
PASTE = "\x1b[200~{}\x1b[201~"
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)\b[0-9;]*m")
F2 = "\x1bOQ"


@pytest.fixture(scope="module")
def served(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a module a daemon, with a rule by which a person decides for a user."""
    home = new_home(stocked)
    with home.settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[[grant]]\nlevel = "{LEVEL}"\nuid = {ASKER}\ndecision = "ask"\n')
    with home.served():
        time.sleep(LOOK)
        yield home


def in_shell(home: Home, columns: int = 80, extra: Mapping[str, str] | None = None) -> Terminal:
    terminal = Terminal([ENVFS, "shell"], {"TERM": "xterm-256color", **home.environ(extra)}, columns=columns)
    terminal.expect("envfs ")
    return terminal


def line_of(terminal: Terminal, text: str, shown: str = "envfs ") -> None:
    """Type a line key by key, as a person does, and wait for what it shows."""
    terminal.press(f"{text}\r")
    terminal.expect(shown)


def shells_of(home: Home) -> list[int]:
    """Return the shells that run, and the children of their own in which commands do."""
    found = []
    for pid in processes_of(home.path):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found += [pid] * (words[-2:] == [b"shell", b""] and b"-S" in words)
    return found


def history_of(home: Home) -> str:
    path = home.state / "shell_history"
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize("columns", [80, 200])
def test_the_status_line_is_kept_by_events(served: Home, columns: int) -> None:
    with in_shell(served, columns) as terminal:
        terminal.expect("unlocked")
        served.envfs("lock")
        terminal.expect("locked: `unlock`")
        line_of(terminal, "unlock", "unlocked")
        line_of(terminal, "cd shop/prod", "/shop/prod")
        line_of(terminal, "ls", "DATABASE_URL")
        line_of(terminal, "exit", "")
        assert terminal.end() == 0


def test_a_question_comes_while_one_types_and_a_key_answers_it(served: Home) -> None:
    with in_shell(served) as terminal:
        terminal.expect("unlocked")
        terminal.press("sho")
        asker = subprocess.Popen(
            [*as_user(ASKER), ENVFS, "get", LEVEL, "DATABASE_URL", "--reason", "a test"],
            stdout=subprocess.PIPE,
            env=served.environ(),
            cwd="/",
        )
        terminal.expect("a test")
        terminal.expect("1 question waits: F2 answers")
        time.sleep(1)  # a key that comes at once may have been meant for something else
        terminal.press(F2)
        terminal.expect("o once")
        terminal.press("o")
        terminal.expect("was allowed")
        out, _ = asker.communicate(timeout=60)
        assert out
        line_of(terminal, f"w {LEVEL}", "DATABASE_URL")  # what was typed before is there still
        line_of(terminal, "exit", "")
        assert terminal.end() == 0


def test_a_followed_log_ends_with_control_c_and_the_shell_goes_on(served: Home) -> None:
    with in_shell(served) as terminal:
        line_of(terminal, "log --follow -n 1", "\n")
        served.envfs("show", "/shop")
        terminal.expect("/shop")
        terminal.press("\x03")
        terminal.expect("envfs ")
        line_of(terminal, "pwd", "/\n")
        line_of(terminal, "exit", "")
        assert terminal.end() == 0


def test_a_pasted_key_is_taken_whole_and_no_value_is_shown_or_remembered(served: Home) -> None:
    with in_shell(served) as terminal:
        line_of(terminal, "set shop PEM_KEY", "value of PEM_KEY: ")
        terminal.press(PASTE.format(PEM.replace("\n", "\r")) + "\r")
        terminal.expect("`undo` takes that back")
        # mistakes: a value at the prompt, in an argument, in an assignment, in a here-document
        terminal.expect("envfs ")
        for text in (f"set shop PEM_KEY {SIGN}", f"PEM_KEY={SIGN}", f"set shop PEM_KEY <<{SIGN}", SIGN, f"get {SIGN}"):
            line_of(terminal, text, "error")
            terminal.expect("envfs ")
        before = len(terminal.shown)
        terminal.press("\x1b[A" * 9 + "\x15")  # what can be recalled
        line_of(terminal, "pwd", "/\n")
        assert SIGN not in terminal.shown[before:]
        line_of(terminal, "exit", "")
        assert terminal.end() == 0
    assert served.envfs("get", "/shop", "PEM_KEY").text == PEM
    assert SIGN not in history_of(served)
    assert "PEM" not in history_of(served)


def test_a_key_pasted_at_the_prompt_is_refused_whole(served: Home) -> None:
    with in_shell(served) as terminal:
        terminal.press(PASTE.format(PEM.replace("\n", "\r")) + "\r")
        terminal.expect("more than one line")
        terminal.expect("envfs ")
        line_of(terminal, "exit", "")
        assert terminal.end() == 0
    assert SIGN not in history_of(served)


def test_a_terminal_without_a_cursor_gets_lines_alone(served: Home) -> None:
    with in_shell(served, extra={"TERM": "dumb"}) as terminal:
        terminal.type("ls shop/prod")
        terminal.expect("DATABASE_URL")
        terminal.press("\x03")
        terminal.expect("envfs />")
        terminal.type("clear")
        terminal.expect("envfs />")
        terminal.press("\x04")
        assert terminal.end() == 0
    assert "\x1b" not in terminal.shown


def test_without_colour_there_is_none(served: Home) -> None:
    for extra, has_colour in (({"NO_COLOR": "1"}, False), ({}, True)):
        with in_shell(served, extra=extra) as terminal:
            terminal.expect("unlocked")
            line_of(terminal, "cd shop", "envfs ")
            line_of(terminal, "exit", "")
            assert terminal.end() == 0
        assert bool(COLOUR.search(terminal.shown)) is has_colour


def test_a_terminal_that_becomes_narrow_is_drawn_again(served: Home) -> None:
    with in_shell(served, columns=200) as terminal:
        terminal.expect("daemon well")
        before = len(terminal.shown)
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 24, 0, 0))
        terminal.expect("unlocked")
        assert "daemon well" not in terminal.shown[before:]
        line_of(terminal, "exit", "")
        assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_shell_and_the_terminal_is_as_before(served: Home, number: signal.Signals) -> None:
    script = f'"{ENVFS}" shell; echo "ended $?"; read word; echo "got $word"'
    with Terminal(["sh", "-c", script], {"TERM": "xterm", **served.environ()}) as terminal:
        modes = terminal.attributes()
        terminal.expect("unlocked")
        assert terminal.attributes() != modes
        os.kill(shells_of(served)[0], number)
        terminal.expect(f"ended {128 + number}")
        assert terminal.attributes() == modes
        terminal.type("a word")
        terminal.expect("got a word")
        terminal.end()


def test_a_closed_terminal_ends_the_shell_wherever_it_is(served: Home) -> None:
    for text, shown in (("", "unlocked"), ("set shop HANGING", "value of HANGING"), ("rm -r shop", "[y/N]")):
        terminal = in_shell(served)
        terminal.expect("unlocked")
        if text:
            line_of(terminal, text, shown)
        assert shells_of(served)
        os.close(terminal.master)
        eventually(lambda: not shells_of(served), f"the shell ends, after {text!r}")
        terminal._process.wait()


def test_control_z_stops_it_and_fg_goes_on_with_the_line(served: Home) -> None:
    environ = {"TERM": "xterm", **served.environ(), "PS1": "prompt> ", "HISTFILE": ""}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], environ) as terminal:
        terminal.expect("prompt> ")
        terminal.type(f"{ENVFS} shell")
        terminal.expect("unlocked")
        terminal.press("pw")
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.type("echo in the $((1 + 1))nd shell")
        terminal.expect("in the 2nd shell")
        terminal.expect("prompt> ")
        terminal.type("fg")
        terminal.expect("unlocked")
        terminal.press("d\r")
        terminal.expect("/\n")
        terminal.press("exit\r")
        terminal.expect("prompt> ")
        terminal.type("exit")
        terminal.end()

"""Each command on a terminal, of 80 and of 200 columns, with colours and without: what it shows fits, and is whole.

A question of yes or no is answered there with Ctrl-C, Ctrl-Z, another width, and the terminal's end.
"""

import fcntl
import os
import re
import signal
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs_cli import grammar
from tests.conftest import Homes
from tests.selection import shared_out
from tests.system.home import ENVFS, SECONDS, Home, eventually
from tests.system.terminal import Terminal
from tests.system.test_entry import Shell, foreground

_LINES = (
    *("--help", "gte", "help set", "set --help", "exec --help", "member --help"),
    *("accept /shop", "authors", "backup /nowhere/x", "check /shop", "cp /nope /other", "diff /shop", "doctor"),
    *("edit /..", "exec /shop -- true", "explain /shop APP_NAME --reveal", "explain /shop --uid 1001", "find APP_NAME"),
    *("forget /shop", "generate --words", "get /shop APP_NAME", "get /shop APP_NAME --presence", "get /nope A"),
    *("grant /shop --uid 1234", "grants", "history /shop", "holders /shop APP_NAME", "import - /imported", "init"),
    *("incident /shop APP_NAME", "key ls", "key rotate shop", "keyring add", "link", "lock nope", "log -n 30"),
    *(
        "log stats",
        "log verify",
        "ls",
        "ls --names",
        "member ls",
        "member heads",
        "mcp",
        "metrics",
        "mount",
        "mv /nope /other",
    ),
    *("passwd", "project ls", "project new safe", "proxy ls", "proxy rules /shop", "push gh /shop APP_NAME -n"),
    *("recovery --recipient nonsense", "rename /shop NOTHING OTHER", "restore /nowhere", "revoke /shop --uid 4321"),
    *(
        "rm /shop",
        "rollback /shop 1",
        "rotate /shop APP_NAME -n",
        "scan /etc/hostname",
        "service show",
        "set /shop NEW",
    ),
    *("shell", "show /shop", "show /shop --own", "stale --all", "status", "store push /nowhere", "sync status"),
    *(
        "token ls",
        "unlock",
        "unset /shop NOTHING",
        "vault info",
        "verify",
        "who /shop",
        "approvals",
        "agent settings codex",
    ),
    *(
        "git-credential /shop get",
        "store-serve /nowhere",
        "completion bash",
        "json-schema ls",
        "export /shop",
        "ui",
        "web --help",
    ),
)
_APART = {"unmount"}  # it would end what the others are tried on
# a text for another program, or the letters of a value, is not broken
_AS_IT_IS = {"export", "get", "completion", "json-schema", "service", "agent", "generate"}
_SCREENS = {"shell", "ui"}  # they draw
_WAYS = [(80, "xterm", ""), (200, "xterm", ""), (80, "xterm", "NO_COLOR"), (200, "dumb", "")]
_STYLE = re.compile(r"\x1b\[(?:\d+(?:;\d+)*)?m")
_ASKS = re.compile(r"(\[[yY]/[nN]\]|: |> |\) )\s*$")


@pytest.fixture(scope="module")
def home(new_home: Homes, stocked: Home) -> Iterator[Home]:
    """Give a home with several versions and rules, and members of lists that are long."""
    home = new_home(stocked)
    with home.served():
        home.envfs("set", "/shop", "APP_NAME", given="another")
        for uid in ("1001", "1002"):
            home.envfs("grant", "/shop/prod", "--uid", uid, "--exe", "/usr/bin/cat", "--only", "DATABASE_URL,API_*")
        home.envfs("set", "/shop/a-level-with-a-name-that-is-long/and-one-below-it-as-well", "A_VARIABLE", given="1")
        yield home


def _shown(home: Home, line: str, columns: int, environ: dict[str, str]) -> tuple[int, str]:
    """Run a line. What it asks is answered by Ctrl-C, and where it reads what is typed, by Ctrl-D."""
    with Terminal([ENVFS, *line.split()], {**home.environ(), **environ}, columns) as terminal:
        answered = 0
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                if not terminal._more(time.monotonic() + 2):
                    return terminal._process.wait(SECONDS), terminal.shown
            except AssertionError:  # nothing more is shown
                terminal.press("\x03" if answered % 2 else "\x04")
                answered += 1
            if _ASKS.search(terminal.shown[answered and len(terminal.shown) - 8 :]) and not answered:
                answered = 1
                terminal.press("\x03")
        raise AssertionError(terminal.shown)


@pytest.mark.parametrize(("line", "ways"), shared_out(_LINES, _WAYS, 4))
def test_what_a_command_shows_fits_its_terminal(home: Home, line: str, ways: list[tuple[int, str, str]]) -> None:
    for columns, term, variable in ways:
        status, shown = _shown(home, line, columns, {"TERM": term, **({variable: "1"} if variable else {})})
        assert "Traceback" not in shown, shown
        assert status != 1 or line.split(maxsplit=1)[0] in ("diff", "stale", "scan", "get"), shown
        if line.split(maxsplit=1)[0] in _SCREENS:
            continue
        if variable or term == "dumb":
            assert "\x1b[" not in shown.replace("\x1b[K", "").replace("\x1b[?2004h", "").replace("\x1b[?2004l", "")
        if term == "dumb":
            assert "\x1b" not in shown
        opened = _STYLE.findall(shown)
        assert not opened or opened[-1] in ("\x1b[0m", "\x1b[m"), shown
        if line.split(maxsplit=1)[0] not in _AS_IT_IS:
            assert _too_long(shown, columns) == [], shown


def _too_long(shown: str, columns: int) -> list[str]:
    lines = [part for line in _STYLE.sub("", shown).split("\n") for part in line.split("\r")]
    # a long word has no place to be broken at, such as a level's name or a command that is to be pasted
    words = {line: re.sub(r"`[^`]*`", lambda found: found[0].replace(" ", "_"), line).split() for line in lines}
    return [line for line in lines if len(line) > columns and max(map(len, words[line])) < columns // 2]


def test_every_command_is_tried() -> None:
    tried = {line.split()[0] for line in _LINES} | _APART
    assert tried >= {command.name for command in grammar.all_commands() if command.group != grammar.HIDDEN}


_QUESTIONS = {
    "rm /shop/prod": "remove /shop/prod",
    "rollback /shop 1": "[y/N]",
    "forget /shop": "[y/N]",
    "accept /shop": "take /shop as it is now for the truth? [y/N]",
}


def _turned(terminal: Terminal, columns: int) -> None:
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))


@pytest.mark.parametrize("line", _QUESTIONS)
def test_a_question_stands_ctrl_z_and_another_width_and_ctrl_c_is_no(home: Home, line: str) -> None:
    before = home.envfs("history", "/shop").text + home.envfs("history", "/shop/prod").text
    with Shell(home) as terminal:
        terminal.type(f"envfs {line}")
        terminal.expect("[y/N] ")
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.expect("sh> ")
        _turned(terminal, 40)
        terminal.type("fg")
        terminal.expect(line.split(maxsplit=1)[0])
        _turned(terminal, 200)
        eventually(lambda: foreground(terminal) != terminal._process.pid, "it is in the foreground")
        terminal.press("\x03")
        terminal.expect("sh> ")
        assert "code 130" in terminal.run("echo code $?")
        assert "Traceback" not in terminal.shown
        assert terminal.attributes() == terminal.modes
    assert home.envfs("history", "/shop").text + home.envfs("history", "/shop/prod").text == before


@pytest.mark.parametrize("line", _QUESTIONS)
def test_a_terminal_that_closes_at_a_question_is_no(home: Home, line: str) -> None:
    before = home.envfs("history", "/shop").text + home.envfs("history", "/shop/prod").text
    terminal = Shell(home)
    with terminal:
        terminal.type(f"envfs {line}")
        terminal.expect("[y/N] ")
        process = foreground(terminal)
    eventually(lambda: not Path(f"/proc/{process}").exists(), "it ends")
    assert home.envfs("history", "/shop").text + home.envfs("history", "/shop/prod").text == before


def test_another_width_at_a_hidden_entry_changes_nothing(home: Home) -> None:
    with Shell(home) as terminal:
        terminal.type("envfs set /shop WIDE")
        terminal.expect("value of WIDE: ")
        terminal.press("half")
        _turned(terminal, 40)
        os.kill(foreground(terminal), signal.SIGWINCH)
        terminal.press("-typed\r")
        terminal.expect("sh> ")
        assert "half" not in terminal.shown
    assert home.envfs("get", "/shop", "WIDE").text == "half-typed\n"

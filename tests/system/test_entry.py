"""The hidden entry on a real terminal: nothing is cut, shown or left for the next program; modes are as before.

Of the prompts with what may happen at them, `make test` tries each prompt with some, and each of these at some prompts,
each signal at one. `make soak` tries all.
"""

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, PASSPHRASE, SECONDS, Home, eventually
from tests.system.peer import Peer
from tests.system.terminal import Terminal

PEM = "-----BEGIN PRIVATE KEY-----\nMIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8\n-----END PRIVATE KEY-----\n"
ON, OFF = "\x1b[200~", "\x1b[201~"
NEW_PASSPHRASE = "seventeen brown ledgers dance"


class Shell(Terminal):
    """A terminal with an interactive bash; `modes` are those that a command finds there."""

    def __init__(self, home: Home) -> None:
        environ = home.environ({"TERM": "xterm", "PS1": "sh> ", "PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}"})
        super().__init__(["bash", "--norc", "--noprofile", "--noediting", "-i"], environ)
        self.expect("sh> ")
        self.modes = self.attributes()

    def run(self, line: str) -> str:
        """Run a command to its end; return what it printed."""
        at = len(self.shown)
        self.type(f"{line}; echo 'end'-'of' $?")
        self.expect("end-of ")
        self.expect("sh> ")
        return self.shown[at:]


def every_second(table: Mapping[str, object], first: int) -> list[pytest.ParameterSet]:
    """Return the members of a table, of which every second one from `first` on is tried by `make test`."""
    return [
        pytest.param(member, id=name, marks=pytest.mark.soak if (at - first) % 2 else ())
        for at, (name, member) in enumerate(table.items())
    ]


@pytest.fixture(scope="module")
def pasted_into(new_home: Homes) -> Iterator[Home]:
    """Give the module an empty vault on a mount."""
    home = new_home()
    with home.served():
        yield home


@pytest.fixture
def home(pasted_into: Home) -> Iterator[Home]:
    """Give one test this vault; afterwards it is empty again."""
    yield pasted_into
    with Peer(pasted_into.socket) as peer:
        peer.ask_all({"type": "unset-variable", "level": "/pasted", "name": "KEY"})


# -- what is pasted and typed ------------------------------------------------------------------------------------------

_LONG = "k" * 100_000 + "END"
PASTES = {
    "a line": ("two words", "two words"),
    "letters": ("pässwörd 鍵 🔑", "pässwörd 鍵 🔑"),
    "a long line": (_LONG, _LONG),
    "the longest value": ("x" * 128_000, "x" * 128_000),
    "a key without marks": (PEM[:-1], PEM),
    "a key between marks": (f"{ON}{PEM}{OFF}", PEM),
    "a key between marks, without its last line end": (f"{ON}{PEM[:-1]}{OFF}", PEM[:-1]),
    "a key of a windows machine": (f"{ON}{PEM.replace(chr(10), chr(13) + chr(10))}{OFF}", PEM),
    "a long key between marks": (
        f"{ON}{'line of a key' * 5}\n{PEM * 500}{OFF}",
        "line of a key" * 5 + "\n" + PEM * 500,
    ),
    "a long key without marks": ((PEM * 500)[:-1], PEM * 500),
    "corrected": ("wrong\x15one tow\x17twx\x7fo", "one two"),
}


@pytest.mark.parametrize(("keys", "value"), PASTES.values(), ids=PASTES.keys())
def test_a_value_is_taken_whole_and_not_shown(home: Home, keys: str, value: str) -> None:
    with Shell(home) as terminal:
        terminal.type("envfs set /pasted KEY")
        terminal.expect("value of KEY: ")
        shown = len(terminal.shown)
        terminal.press_slowly(f"{keys}\r")
        terminal.expect("sh> ", 2 * SECONDS)
        assert "1 added" in terminal.shown[shown:]
        assert not re.search(r"two|PRIVATE|kkk|xxx|ssw|MII", terminal.shown[shown:])
        assert terminal.attributes() == terminal.modes
        terminal.type("exit")
        terminal.end()
    assert home.envfs("export", "/pasted", "-f", "environ").out == f"KEY={value}\0".encode()


@pytest.mark.parametrize("keys", ["x" * 130_000, f"{ON}{PEM * 2000}{OFF}", PEM * 2000], ids=["a line", "marked", "not"])
def test_a_value_over_the_limit_is_refused_and_nothing_of_it_reaches_the_shell(home: Home, keys: str) -> None:
    with Shell(home) as terminal:
        terminal.type("envfs set /pasted KEY")
        terminal.expect("value of KEY: ")
        shown = len(terminal.shown)
        terminal.press_slowly(f"{keys}\r")
        terminal.expect("the value is too large")
        terminal.expect("at most")
        terminal.expect("sh> ")
        assert "code 107" in terminal.run("echo code $?")
        assert not re.search(r"PRIVATE|xxx|MII|not found", terminal.shown[shown:])
        assert terminal.attributes() == terminal.modes
    assert home.envfs("get", "/pasted", "KEY", status=None).status in (103, 104)  # no such level, or no such variable


@pytest.mark.parametrize("marks", [True, False], ids=["marked", "not"])
def test_commands_in_a_paste_are_not_run(home: Home, tmp_path: Path, *, marks: bool) -> None:
    lines = "".join(f"echo ran >>{tmp_path}/leak-{number} #{'x' * 200}\n" for number in range(40))
    with Shell(home) as terminal:
        terminal.type("envfs set /pasted KEY")
        terminal.expect("value of KEY: ")
        shown = len(terminal.shown)
        terminal.press_slowly(f"{ON}{lines}{OFF}\r" if marks else lines)
        terminal.expect("1 added", 2 * SECONDS)
        terminal.expect("sh> ")
        terminal.run("true")
        assert "leak-" not in terminal.shown[shown:]
    assert list(tmp_path.iterdir()) == []


_LINES = PEM.splitlines(keepends=True)
STALLS = {
    "after the first line": (_LINES[0], "".join(_LINES[1:])),
    "after each line": tuple(_LINES),
    "in a line": (PEM[:40], PEM[40:]),
    "before a line end": (PEM[:27], PEM[27:]),
    "between two blocks": (PEM, PEM),
    "in lines that are no key": ('{"a":\n', '"two words",\n', '"b": 1}\n'),
}


@pytest.mark.parametrize("pieces", every_second(STALLS, 0))
def test_a_slow_line_cuts_no_paste_without_marks(home: Home, pieces: tuple[str, ...]) -> None:
    with Shell(home) as terminal:
        terminal.type("envfs set /pasted KEY")
        terminal.expect("value of KEY: ")
        shown = len(terminal.shown)
        for piece in pieces:
            terminal.press(piece)
            time.sleep(0.3)  # longer than keys that come one by one may stop for; a busy machine may add a second to it
        terminal.expect("1 added")
        terminal.expect("sh> ")
        terminal.run("true")
        assert not re.search("two|PRIVATE|MII|not found", terminal.shown[shown:])
    assert home.envfs("export", "/pasted", "-f", "environ").out == f"KEY={''.join(pieces)}\0".encode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_a_paste_leaves_none_of_it_to_the_shell(own: Home, number: int) -> None:
    # this shell leaves a command that is stopped alone, so that signal and keys are there together when that goes on
    script = f'"{ENVFS}" get /app TOKEN; echo ended-by $?; read -r line; echo "next: $line"'
    with Terminal(["sh", "-c", script], own.environ({"TERM": "xterm"})) as terminal:
        terminal.expect("passphrase: ")
        terminal.press(f"{ON}a line\n")
        terminal.taken()
        command = child_of(foreground(terminal))
        os.kill(command, signal.SIGSTOP)
        os.kill(command, number)
        terminal.press("one more line\n" * 10)
        os.kill(command, signal.SIGCONT)
        terminal.expect(f"ended-by {128 + number}")
        terminal.type("what was typed then")
        terminal.expect("next: what was typed then\n")
        assert terminal.end() == 0


def test_several_lines_in_the_place_of_a_passphrase_are_refused_and_none_is_run(own: Home, tmp_path: Path) -> None:
    with Shell(own) as terminal:
        terminal.type("envfs get /app TOKEN")
        terminal.expect("passphrase: ")
        terminal.press(f"one\ntouch {tmp_path}/leak\n")
        terminal.expect("the passphrase has one line")
        terminal.expect("sh> ")
        assert "touch" not in terminal.run("true")
        assert terminal.attributes() == terminal.modes
    assert list(tmp_path.iterdir()) == []


# -- every prompt, and what may happen at it ---------------------------------------------------------------------------


class Prompt:
    """A command line and what it asks; `before` is what it asks for, and gets, until then."""

    def __init__(self, line: str, asked: str, before: "tuple[tuple[str, str], ...]" = ()) -> None:
        self.line = line
        self.asked = asked
        self.before = before


_OLD = ("passphrase: ", PASSPHRASE)
PROMPTS = {
    "a value": Prompt("envfs set /app NEW", "value of NEW: ", (_OLD,)),
    "the vault's passphrase": Prompt("envfs get /app TOKEN", "passphrase: "),
    "that of a mount": Prompt("envfs mount", "passphrase: "),
    "a new passphrase": Prompt("ENVFS_HOME=$ENVFS_HOME/none envfs init", "new passphrase: "),
    "the same again": Prompt(
        "ENVFS_HOME=$ENVFS_HOME/none envfs init", "the same again: ", (("new passphrase: ", NEW_PASSPHRASE),)
    ),
    "a project's new one": Prompt("envfs project new safe --zero-knowledge -y", "new passphrase of /safe: "),
    "a change": Prompt("envfs passwd", "new passphrase: ", (_OLD,)),
    "the command's": Prompt("envfs exec /app -- true", "passphrase: "),
}


def at(terminal: Shell, prompt: Prompt) -> int:
    """Bring a shell to the prompt; return where in what is shown it stands."""
    terminal.type(prompt.line)
    for asked, typed in prompt.before:
        terminal.expect(asked)
        terminal.type(typed)
    terminal.expect(prompt.asked)
    return len(terminal.shown)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_at_no_prompt_anything_is_shown_and_ctrl_c_ends_it_with_130(own: Home, prompt: Prompt) -> None:
    with Shell(own) as terminal:
        shown = at(terminal, prompt)
        terminal.press("half-typed\x03")
        terminal.expect("sh> ")
        assert "code 130" in terminal.run("echo code $?")
        assert "half" not in terminal.shown[shown:]
        assert "Traceback" not in terminal.shown
        assert terminal.attributes() == terminal.modes
    own.settle()
    assert own.envfs("get", "/app", "TOKEN", environ=own.knowing()).text == "tok-71-sentinel\n"


@pytest.mark.parametrize("prompt", every_second(PROMPTS, 0))
def test_ctrl_z_gives_the_terminal_back_and_fg_asks_again_unseen(own: Home, prompt: Prompt) -> None:
    with Shell(own) as terminal:
        shown = at(terminal, prompt)
        terminal.press("half-")
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.expect("sh> ")
        assert terminal.attributes() == terminal.modes
        assert "seen" in terminal.run("echo se'e'n")
        terminal.type("fg")
        terminal.expect(prompt.asked)
        assert terminal.attributes() != terminal.modes
        terminal.press("typed\x03")
        terminal.expect("sh> ")
        assert "code 130" in terminal.run("echo code $?")
        assert not re.search("half|typed", terminal.shown[shown:])
        assert terminal.attributes() == terminal.modes


def test_what_was_typed_before_ctrl_z_counts_after_fg(own: Home) -> None:
    with Shell(own) as terminal:
        at(terminal, PROMPTS["the vault's passphrase"])
        terminal.press(PASSPHRASE[:9])
        terminal.taken()  # Ctrl-Z makes the kernel drop what nobody has read
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.type("fg")
        terminal.expect("passphrase: ")
        terminal.press(f"{PASSPHRASE[9:]}\r")
        terminal.expect("tok-71-sentinel")
        assert PASSPHRASE[9:] not in terminal.shown


_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, marks=() if at == 2 * other else pytest.mark.soak)
        for at, name in enumerate(PROMPTS)
        for other, number in enumerate(_SIGNALS)
    ],
)
def test_a_signal_at_a_prompt_leaves_the_terminal_as_it_was(own: Home, name: str, number: int) -> None:
    with Shell(own) as terminal:
        shown = at(terminal, PROMPTS[name])
        terminal.press("half-typed")
        os.kill(foreground(terminal), number)
        terminal.expect("sh> ")
        assert f"code {128 + number}" in terminal.run("echo code $?")
        assert "half" not in terminal.shown[shown:]
        assert "Traceback" not in terminal.shown
        assert terminal.attributes() == terminal.modes
        assert "core" not in terminal.run("true")


def test_ctrl_backslash_ends_it_without_a_core(own: Home) -> None:
    with Shell(own) as terminal:
        terminal.run("ulimit -c unlimited")
        shown = at(terminal, PROMPTS["the vault's passphrase"])
        terminal.press("half-typed\x1c")
        terminal.expect("sh> ")
        assert "code 131" in terminal.run("echo code $?")
        assert not re.search("half|core dumped", terminal.shown[shown:])
        assert terminal.attributes() == terminal.modes


@pytest.mark.parametrize("prompt", every_second(PROMPTS, 1))
def test_a_terminal_that_closes_ends_the_command(own: Home, prompt: Prompt) -> None:
    terminal = Shell(own)
    with terminal:
        at(terminal, prompt)
        process = foreground(terminal)
    eventually(lambda: not _runs(process), "it ends")
    own.settle()


def test_in_the_background_it_waits_for_the_foreground_and_touches_nothing(own: Home) -> None:
    with Shell(own) as terminal:
        terminal.type("envfs get /app TOKEN &")
        terminal.expect("sh> ")
        eventually(lambda: "Stopped" in terminal.run("jobs"), "the job stops")
        assert terminal.attributes() == terminal.modes
        terminal.type("fg")
        terminal.expect("passphrase: ")
        terminal.press(f"{PASSPHRASE}\r")
        terminal.expect("tok-71-sentinel")
        terminal.expect("sh> ")
        assert PASSPHRASE not in terminal.shown
        assert terminal.attributes() == terminal.modes


def test_sigstop_and_bg_and_fg(own: Home) -> None:
    with Shell(own) as terminal:
        at(terminal, PROMPTS["the vault's passphrase"])
        os.kill(foreground(terminal), signal.SIGSTOP)
        terminal.expect("Stopped")
        terminal.expect("sh> ")
        terminal.type("bg")
        terminal.run("sleep 0.5")
        terminal.type("fg")
        terminal.expect("passphrase: ")
        terminal.press(f"{PASSPHRASE}\r")
        terminal.expect("tok-71-sentinel")
        terminal.expect("sh> ")
        assert PASSPHRASE not in terminal.shown
        assert terminal.attributes() == terminal.modes


# -- inside of others --------------------------------------------------------------------------------------------------


def test_in_the_shell_of_envfs_a_paste_is_taken_whole_and_ctrl_c_ends_the_command_alone(home: Home) -> None:
    with Shell(home) as terminal:
        terminal.type("NO_COLOR=1 PROMPT_TOOLKIT_NO_CPR=1 envfs shell")
        terminal.expect("envfs /")
        terminal.type("set /pasted KEY")
        terminal.expect("value of KEY: ")
        shown = len(terminal.shown)
        terminal.press("half\x03")
        terminal.expect("envfs /")
        terminal.type("set /pasted KEY")
        terminal.expect("value of KEY: ")
        terminal.press(f"{ON}{PEM}{OFF}\r")
        terminal.expect("1 added")
        terminal.expect("envfs /")
        assert not re.search("half|PRIVATE|MII", terminal.shown[shown:])
        terminal.type("exit")
        terminal.expect("sh> ")
        assert terminal.attributes() == terminal.modes
    assert home.envfs("export", "/pasted", "-f", "environ").out == f"KEY={PEM}\0".encode()
    kept = home.state / "shell_history"
    assert not kept.exists() or "PRIVATE" not in kept.read_text(encoding="utf-8")


def test_in_the_shell_of_envfs_ctrl_z_stops_the_whole_and_fg_asks_again(own: Home) -> None:
    with Shell(own) as terminal:
        terminal.type("NO_COLOR=1 PROMPT_TOOLKIT_NO_CPR=1 envfs shell")
        terminal.expect("envfs /")
        terminal.type("get /app TOKEN")
        terminal.expect("passphrase: ")
        terminal.press("\x1a")
        terminal.expect("Stopped")
        terminal.expect("sh> ")
        assert terminal.attributes() == terminal.modes
        terminal.type("fg")
        terminal.expect("passphrase: ")
        terminal.press(f"{PASSPHRASE}\r")
        terminal.expect("tok-71-sentinel")
        terminal.expect("envfs /")
        terminal.type("exit")
        terminal.expect("sh> ")
        assert PASSPHRASE not in terminal.shown
        assert terminal.attributes() == terminal.modes


@pytest.mark.parametrize("keys", ["\x03", "\x1a", "\x1c"], ids=["ctrl-c", "ctrl-z", "ctrl-backslash"])
def test_a_command_that_is_watched_asks_as_any_other(own: Home, keys: str) -> None:
    daemon = own.mount(environ=own.knowing())
    own.envfs("lock")
    with Shell(own) as terminal:
        terminal.type("envfs exec /app --watch -- sh -c 'echo runs-with $TOKEN'")
        terminal.expect("passphrase: ")
        shown = len(terminal.shown)
        terminal.press(f"half{keys}")
        if keys == "\x1a":
            terminal.expect("Stopped")
            terminal.expect("sh> ")
            assert terminal.attributes() == terminal.modes
            terminal.type("fg")
            terminal.expect("passphrase: ")
            terminal.press(f"\x15{PASSPHRASE}\r")
            terminal.expect("runs-with tok-71-sentinel")
        terminal.expect("sh> ")
        assert not re.search("half|Traceback|correct horse", terminal.shown[shown:])
        assert terminal.attributes() == terminal.modes
    own.end(daemon)


_AT_AN_IMPORT = """
import os, signal, sys
from envfs_cli import main
left = int(sys.argv.pop(1))
def hook(event, _):
    global left
    left -= event == "import"
    if left == 0 and event == "import":
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
sys.exit(main.main())
"""


@pytest.mark.parametrize(
    "words", [("get", "/app", "A"), ("set", "/app", "A"), ("show", "--hlep")], ids=lambda it: it[0]
)
@pytest.mark.parametrize("step", [8, pytest.param(3, marks=pytest.mark.soak)])
def test_ctrl_c_at_any_import_is_never_a_traceback(new_home: Homes, words: tuple[str, ...], step: int) -> None:
    home, ended = new_home(), []
    for number in range(1, 60, step):
        done = subprocess.run(
            [sys.executable, "-I", "-c", _AT_AN_IMPORT, str(number), *words],
            env=home.environ(),
            input="1",
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
        assert "Traceback" not in done.stderr
        ended.append(done.returncode)
    assert ended[0] == 130
    assert set(ended) <= {130, 0, 2, 103}


# -- tries -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("get", "/app", "TOKEN"), ("mount",), ("passwd",)], ids=lambda words: words[0])
def test_a_wrong_passphrase_may_be_typed_again(own: Home, words: tuple[str, ...]) -> None:
    with Terminal([ENVFS, *words], own.environ()) as terminal:
        terminal.expect("passphrase: ")
        terminal.type("wrong")
        if words == ("passwd",):
            for asked in ("new passphrase: ", "the same again: "):
                terminal.expect(asked)
                terminal.type(NEW_PASSPHRASE)
        terminal.expect("the passphrase is wrong: try again")
        terminal.expect("passphrase: ")
        terminal.type(PASSPHRASE)
        assert terminal.end(2 * SECONDS) == 0
    if words == ("mount",):
        own.end(own.daemon())


def test_after_three_wrong_ones_it_is_109(own: Home) -> None:
    with Terminal([ENVFS, "get", "/app", "TOKEN"], own.environ()) as terminal:
        for _ in range(3):
            terminal.expect("passphrase: ")
            terminal.type("wrong")
        assert terminal.end(2 * SECONDS) == 109
        assert terminal.shown.count("try again") == 2
        assert "tok-71" not in terminal.shown


# -- processes ---------------------------------------------------------------------------------------------------------


def foreground(terminal: Terminal) -> int:
    """Return the process group that has the terminal."""
    return os.tcgetpgrp(terminal.master)


def child_of(process: int) -> int:
    """Return the one child that a process has."""
    (child,) = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return int(child)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_modes_are_told_apart(own: Home) -> None:
    with Shell(own) as terminal:
        at(terminal, PROMPTS["the vault's passphrase"])
        assert not terminal.attributes()[3] & termios.ECHO  # type: ignore[operator]
        assert terminal.modes[3] & termios.ECHO  # type: ignore[operator]

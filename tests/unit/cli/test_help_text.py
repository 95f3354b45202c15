"""Help fits the terminal, cuts no word, and what it shows can be pasted."""

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from envfs_cli import arguments, grammar, help_text, line_wrap, no_command
from envfs_cli.completion import bash, fish, zsh
from envfs_cli.grammar import Command

ENVFS = str(Path(sys.executable).with_name("envfs"))
SHOWN = [command for command in grammar.all_commands() if command.group != grammar.HIDDEN]
each_command = pytest.mark.parametrize("command", SHOWN, ids=lambda command: command.name)


def too_long(text: str, columns: int) -> list[str]:
    """Return the lines that are too long and have a place to break at."""
    lines = [line for line in text.splitlines() if len(line) > columns]
    return [line for line in lines if len(re.sub(r"'[^']*'|\"[^\"]*\"", "quoted", line).rstrip("\\").split()) > 1]


@pytest.mark.parametrize("columns", [40, 60, 80])
@each_command
def test_help_fits(command: Command, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = arguments.command_parser(command).format_help()
    assert too_long(shown, columns) == []
    joined = " ".join(shown.split())
    for text in (help_text.command_description(command), *(option.help for option in command.options)):
        assert text in joined


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_the_list_of_commands_fits(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert too_long(no_command.command_overview(), columns) == []


@pytest.mark.parametrize("columns", [60, 80])
def test_help_on_a_terminal_is_as_wide_as_that(columns: int) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    script = f"{ENVFS} --help; {ENVFS} import --help; {ENVFS} gte"
    with subprocess.Popen(["sh", "-c", script], stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:
                break
        process.wait()
    os.close(ours)
    lines = re.sub(r"\x1b\[\d*m", "", shown.decode()).replace("\r", "").splitlines()
    assert len(lines) > 40
    assert max(map(len, lines)) <= columns
    assert max(map(len, lines)) > columns - 12


@pytest.mark.parametrize("said", ["80", "", "x", "0", "-5", "7", "9999", "9" * 5000])
def test_a_width_is_always_usable(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert 40 <= line_wrap.terminal_width(-1) <= 100


@pytest.mark.parametrize("columns", [40, 50, 60])
@each_command
def test_an_example_that_goes_on_in_the_next_line_is_the_same_command(
    command: Command, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = arguments.command_parser(command).format_help().partition("examples:\n")[2]
    pasted = re.split(r"(?<!\\)\n", shown.rstrip())
    assert [shlex.split(line.replace("\\\n", "")) for line in pasted] == [
        shlex.split(example) for example in command.examples
    ]


@each_command
def test_help_points_below_only_to_what_is_below(command: Command) -> None:
    shown = arguments.command_parser(command).format_help()
    assert "see below" not in shown
    for place in re.finditer(r"one of the (\w+)\s+below", shown):
        assert f"\n{place[1]}:\n" in shown[place.end() :]


@each_command
def test_each_action_is_explained_wherever_commands_are(command: Command) -> None:
    for argument in command.arguments:
        if argument.name == "action" or argument.meanings:
            assert len(argument.meanings) == len(argument.choices) > 0
        for choice in argument.choices:
            assert all(choice in script() for script in (bash.bash_script, zsh.zsh_script, fish.fish_script))


def test_what_stands_in_backticks_is_never_broken() -> None:
    text = "run `envfs grant /shop/prod --uid 1001`, then look at `envfs log -n 3` again"
    for columns in range(10, 80):
        lines = line_wrap.wrap_paragraph(text, columns)
        assert " ".join(lines) == text
        assert all(line.count("`") % 2 == 0 for line in lines)


def test_a_paragraph_is_indented_as_told() -> None:
    assert line_wrap.wrap_paragraph("a bb ccc", 6, "> ", "  ") == ["> a bb", "  ccc"]
    assert line_wrap.wrap_paragraph("", 6) == [""]


@each_command
def test_a_summary_fits_in_a_line_of_80(command: Command) -> None:
    assert len(command.summary) <= 66

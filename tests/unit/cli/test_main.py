"""The way in: a command is found and run; whatever goes wrong has its words and its exit status."""

import os
import re
import subprocess
import sys

import pytest

from envfs import __version__
from envfs.errors import BY_CODE, EnvFSError
from envfs_cli import arguments, grammar, main

SHOWN = [command for command in grammar.all_commands() if command.group != grammar.HIDDEN]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]], ids=["nothing", "--help", "-h", "help"])
def test_help_lists_every_command_and_no_hidden_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run_line(words) == 0
    shown = capsys.readouterr().out
    joined = re.sub(r"\n {18}", " ", shown)
    assert all(f"\n  {command.name:<15} {command.summary}\n" in joined for command in SHOWN)
    synonyms = [(word, command.name) for command in SHOWN for word in command.synonyms]
    assert all(f"\n  {word:<16}the same as {name}\n" in joined for word, name in synonyms)
    assert "__complete" not in shown


@pytest.mark.parametrize("command", SHOWN, ids=lambda command: command.name)
def test_help_explains_each_command(command: grammar.Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run_line(["help", command.name]) == 0
    assert f"usage: envfs {command.name}" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_is_told(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run_line([word]) == 0
    assert capsys.readouterr().out == f"envfs {__version__}\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("gte", "envfs get"), ("exce", "envfs exec"), ("zzzzz", "envfs --help"), ("delete", "`envfs unset`")],
)
def test_an_unknown_command_gets_a_suggestion_and_status_2(
    word: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run_line([word]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "there is no such command" in shown.err
    assert word not in shown.err
    assert hint in shown.err


@pytest.mark.parametrize("kind", [*BY_CODE.values(), arguments.Mistake], ids=lambda kind: kind.code)
def test_a_refusal_ends_with_its_own_status_and_no_traceback(
    kind: type[EnvFSError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_command: object, _values: object) -> int:
        raise kind("it is refused", "do otherwise")

    monkeypatch.setattr("envfs_cli.run.run_command", refuse)
    assert main.run_line(["status"]) == kind.status
    assert capsys.readouterr().err == "envfs: error: it is refused\nenvfs: hint: do otherwise\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_command: object, _values: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("envfs_cli.run.run_command", fail)
    with pytest.raises(ZeroDivisionError):
        main.run_line(["status"])


def test_an_interruption_has_the_status_of_its_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_command: object, _values: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("envfs_cli.run.run_command", interrupted)
    monkeypatch.setattr(sys, "argv", ["envfs", "status"])
    assert main.main() == 130


def test_a_pipe_that_nobody_reads_any_more_ends_quietly_with_the_status_of_its_signal() -> None:
    code = "import sys; from envfs_cli import main; sys.argv = ['envfs', '--help']; sys.exit(main.main())"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (141, "")

"""The completion scripts: what the grammar says, in the words of bash, zsh and fish."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from envfs.dotenv import dialects, formats
from envfs.errors import Locked, NotRunning
from envfs.protocol import control
from envfs_cli import completion, grammar
from envfs_cli.commands.complete import CompleteArguments, run_complete
from envfs_cli.commands.completion import CompletionArguments, run_completion
from envfs_cli.completion import VISIBLE, bash, command_words, fish, zsh
from envfs_cli.daemon import client
from envfs_cli.grammar.words import DIALECTS, FORMATS

FOLDER = Path(completion.__file__).parent
SCRIPTS = {"bash": bash.bash_script, "zsh": zsh.zsh_script, "fish": fish.fish_script}
FAKE = """#!/bin/sh
case "$2 $3" in
  'level /s'*) printf '/shop/\\n' ;;
  'level '*) printf '/shop/dev\\n/shop/prod\\n' ;;
  'here D'*) printf 'DATABASE_URL\\n' ;;
  'here '*) printf '/shop/dev\\n/shop/prod\\n' ;;
  'version /shop@'*) printf '/shop@12\\t2026-11-01 10:00 two words\\n/shop@1\\t2026-10-01 10:00 set\\n' ;;
  'name /shop/prod') printf 'API_KEY\\nDATABASE_URL\\n' ;;
  *) echo complaint >&2; exit 1 ;;
esac
"""
ASK = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_envfs envfs
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_completion(CompletionArguments(shell)) == 0
    assert capsys.readouterr().out == SCRIPTS[shell]() + "\n"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_parses(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    path = tmp_path / "script"
    path.write_text(SCRIPTS[shell]())
    done = subprocess.run([shell, "-n", path], check=True, capture_output=True)
    assert done.stderr == b""


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_place_of_a_script_is_filled(shell: str) -> None:
    text = (FOLDER / f"envfs.{shell}").read_text(encoding="utf-8")
    assert "# @" in text
    assert "# @" not in SCRIPTS[shell]()
    assert all(line in SCRIPTS[shell]() for line in text.splitlines() if "# @" not in line)


def test_a_linter_of_shell_finds_nothing_in_the_script_for_bash(tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck")
    (tmp_path / "made.bash").write_text(bash.bash_script())
    for path in (FOLDER / "envfs.bash", tmp_path / "made.bash"):
        assert subprocess.run(["shellcheck", path], capture_output=True, check=False).stdout == b""


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    folder = tmp_path_factory.mktemp("bash")
    (folder / "envfs").write_text(FAKE)
    (folder / "envfs").chmod(0o755)
    (folder / "prod env").write_text("")
    (folder / "script").write_text(bash.bash_script())
    environ = {"PATH": f"{folder}:{os.environ['PATH']}"}

    def complete(*line: str) -> list[str]:
        command = ["bash", "--norc", "-c", ASK, "bash", "script", "envfs", *line]
        done = subprocess.run(command, env=environ, cwd=folder, check=True, capture_output=True, text=True)
        assert done.stderr == ""
        return [found for found in done.stdout.split("\n") if found]

    return complete


def test_bash_offers_every_command_and_no_hidden_one(ask: Callable[..., list[str]]) -> None:
    names = [word for one in VISIBLE for word in command_words(one)]
    assert ask("") == [*names, "--help", "--version"]
    assert not any(name.startswith("_") for name in names)


@pytest.mark.parametrize("one", VISIBLE, ids=lambda one: one.name)
def test_bash_offers_the_options_of_each_command(ask: Callable[..., list[str]], one: grammar.Command) -> None:
    for word in command_words(one):
        assert ask(word, "-") == [*(flag for option in one.options for flag in option.flags), "--help"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (("s",), ["status", "shell", "set", "show", "scan", "stale", "store", "store-serve", "sync", "service"]),
        (("ru",), ["run"]),
        (("exec", "/s"), ["/shop/"]),
        (("set", "/s"), ["/shop/dev", "/shop/prod"]),
        (("get", "D"), ["DATABASE_URL"]),
        (("get", "/shop@"), ["/shop@12", "/shop@1"]),
        (("link", "/s"), ["/shop/"]),
        (("link", "x", "/s"), ["/shop/"]),
        (("import", "--order", "v"), ["vite"]),
        (("set", ""), ["/shop/dev", "/shop/prod"]),
        (("set", "/shop/prod", ""), ["API_KEY", "DATABASE_URL"]),
        (("set", "--json", "--from-file", "f", "/shop/prod", "D"), ["DATABASE_URL"]),
        (("set", "/web", ""), []),
        (("set", "/shop/prod", "API_KEY", ""), []),
        (("set", "--from-file", "pr"), ["prod env"]),
        (("import", "pr"), ["prod env"]),
        (("import", "prod env", "/s"), ["/shop/"]),
        (("export", "-f", ""), list(FORMATS)),
        (("export", "/shop", "--format", "j"), ["json"]),
        (("export", "--version", ""), []),
        (("log", "-n", "5", "v"), ["verify"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("exec", "/shop", ""), ["--"]),
        (("run", "--only", "A", "/s"), ["/shop/"]),
        (("exec", "/shop", "--", "cat", "pr"), ["prod env"]),
        (("nope", ""), []),
    ],
)
def test_bash_offers_what_may_stand_there(
    ask: Callable[..., list[str]], line: tuple[str, ...], offered: list[str]
) -> None:
    assert [found for found in ask(*line) if found != "script"] == offered


def test_bash_offers_programs_behind_the_dashes(ask: Callable[..., list[str]]) -> None:
    assert "bash" in ask("exec", "/shop", "--", "bas")


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("envfs ru", ["run"]),
        ("envfs show /s", ["/shop/"]),
        ("envfs get D", ["DATABASE_URL"]),
        ("envfs get /shop@", ["/shop@12", "/shop@1"]),
        ("envfs set --json /shop/prod ", ["API_KEY", "DATABASE_URL"]),
        ("envfs export -f j", ["json"]),
        ("envfs log ve", ["verify"]),
        ("envfs exec /shop -- envfs unm", ["unmount"]),
    ],
)
def test_fish_offers_what_may_stand_there(line: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "envfs").write_text(FAKE)
    (tmp_path / "envfs").chmod(0o755)
    (tmp_path / "script").write_text(fish.fish_script())
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    command = ["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", str(tmp_path / "script"), line]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    assert [found.partition("\t")[0] for found in done.stdout.splitlines()] == offered


# -- what a script asks ------------------------------------------------------------------------------------------------


class FakeLink:
    private = False

    def renewed_by(self, _again: object) -> "FakeLink":
        return self

    def ask(self, request: object, _descriptors: object, on_row: Callable[[object], None]) -> object:
        if isinstance(request, control.ListVariables):
            on_row(control.VariableRow(f"OF_{request.level[1:].upper()}", request.level))
        for level in ("/", "/shop", "/shop/prod", "/web") if isinstance(request, control.ListLevels) else ():
            on_row(control.LevelRow(level, 1, "", allowed=True))
        if isinstance(request, control.ListHistory):
            for number, message in ((12, "why\x1b[2J\nand more"), (2, ""), (1, "")):
                on_row(control.VersionRow(number, "", "", (), (), (), "set", message=message))
        return control.Done()

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("what", "word", "printed"),
    [
        ("level", "", "shop/\nweb\n"),
        ("level", None, "shop/\nweb\n"),
        ("level", "/shop/", "/shop/prod\n"),
        ("level", "a//", ""),
        ("name", "/shop", "OF_SHOP\n"),
        ("name", "shop", "OF_SHOP\n"),
        ("name", "$(reboot)", ""),
        ("name", None, ""),
        ("version", "/shop@", "/shop@12\twhy\\x1b[2J\n/shop@2\tset\n/shop@1\tset\n"),
        ("version", "shop@1", "shop@12\twhy\\x1b[2J\nshop@1\tset\n"),
        ("version", "a//@", ""),
        ("project", "", "shop\nweb\n"),
        ("project", "s", "shop\n"),
        ("project", "x", ""),
    ],
)
def test_candidates_are_printed_one_a_line(
    what: str, word: str | None, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "running_daemon", FakeLink)
    assert run_complete(CompleteArguments(what, word)) == 0
    assert tuple(capsys.readouterr()) == (printed, "")


@pytest.mark.parametrize("failure", [NotRunning("no"), Locked("locked"), OSError()])
@pytest.mark.parametrize("what", ["level", "name"])
def test_a_failure_is_silent(
    what: str, failure: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise failure

    monkeypatch.setattr(client, "running_daemon", fail)
    assert run_complete(CompleteArguments(what, "/shop")) == 0
    assert tuple(capsys.readouterr()) == ("", "")


def test_no_daemon_is_started_for_names_nor_where_there_is_no_vault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENVFS_HOME", str(tmp_path))
    monkeypatch.setattr(client, "reach_daemon", lambda: pytest.fail("a daemon was started"))
    for what in ("level", "name"):
        assert run_complete(CompleteArguments(what, "/")) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_offered_is_what_there_is() -> None:
    assert DIALECTS == dialects.NAMES
    assert {*FORMATS} == {"dotenv", "environ", *formats.FORMATS}

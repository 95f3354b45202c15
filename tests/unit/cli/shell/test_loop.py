"""The interactive shell: levels like paths, the grammar's commands, a history without values."""

import io
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from envfs.core import limits
from envfs.errors import EnvFSError, NoSuchLevel, NoSuchVariable, NotApproved, TooLarge
from envfs_cli.arguments import Mistake
from envfs_cli.grammar import Command
from envfs_cli.shell import builtins, children, interpreter, listing, loop, private_daemon
from tests.unit.cli.fake_shell_link import FakeLink

Values = dict[str, object]
_NEEDS_MORE = ("exit", "undo", "cat", "rm", "mv", "cp")
_STATUSES = {"verify": 7, "explain": NoSuchVariable.status, "check": NoSuchLevel.status, "find": NotApproved.status}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Values]]:
    """Let commands be recorded instead of run, in this process."""
    found: list[tuple[str, Values]] = []

    def start(what: Command, values: Values) -> int:
        found.append((what.name, values))
        return _STATUSES.get(what.name, 0)

    link = FakeLink()
    monkeypatch.setattr(interpreter, "run_command", start)
    monkeypatch.setattr(children, "in_child", lambda action, with_input: action())
    monkeypatch.setattr(listing, "print_listing", lambda what, file: start(Command("ls", "shell", ""), what._asdict()))
    monkeypatch.setattr(private_daemon, "borrow_link", lambda: link)
    monkeypatch.setattr(private_daemon, "hold_daemon", lambda: False)
    monkeypatch.setattr(private_daemon, "release_daemon", lambda: None)
    monkeypatch.setattr(private_daemon, "done_with", lambda used: None)
    return found


@pytest.fixture
def shell(started: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> loop.Shell:
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("ENVFS_HOME", str(tmp_path))
    return loop.Shell("/p", scripted=False)


def test_cd_moves_and_commands_follow(shell: loop.Shell, started: list[tuple[str, Values]]) -> None:
    seen = []
    for line in ("cd shop", "cd prod", "cd ..", "cd -", "cd", "cd -"):
        assert shell.run(line) == 0
        seen.append(shell.level)
    assert seen == ["/shop", "/shop/prod", "/shop", "/shop/prod", "/", "/shop/prod"]
    shell.run("get API_KEY")
    name, values = started[-1]
    assert (name, values["level"], values["name"]) == ("get", "/shop/prod", "API_KEY")


def test_every_command_gets_the_shells_passphrase_file_unless_it_names_one(
    shell: loop.Shell, started: list[tuple[str, Values]]
) -> None:
    shell.run("show /shop")
    shell.run("show /shop --passphrase-file q")
    shell.run("unmount")
    assert [values.get("passphrase_file", "none") for _, values in started] == ["/p", "q", "none"]


@pytest.mark.parametrize(
    ("line", "status"),
    [("", 0), ("nope", 2), ("get", 2), ("get --help", 0), ("verify", 7), ("shell", 2), ("get 'x", 2), ("set A=b", 105)],
)
def test_a_failed_line_gives_its_status_and_the_shell_goes_on(shell: loop.Shell, line: str, status: int) -> None:
    assert shell.run(line) == status
    assert shell.run("pwd") == 0


def test_cd_stays_where_it_was_when_the_level_may_not_be_known(
    shell: loop.Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(private_daemon, "borrow_link", lambda: FakeLink(failure=NotApproved("no", "ask")))
    assert shell.run("cd shop") == NotApproved.status
    assert shell.level == "/"
    assert capsys.readouterr().err == "envfs: error: no\nenvfs: hint: ask\n"


def test_exit_leaves(shell: loop.Shell) -> None:
    for line in ("exit", "quit"):
        with pytest.raises(loop.Leave):
            shell.run(line)


def test_help_lists_what_only_the_shell_has_too(shell: loop.Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run("help") == 0
    shown = capsys.readouterr().out
    assert "  Values      set get unset" in shown
    assert all(f"  {one.name}" in shown for one in builtins.BUILTINS)
    assert shell.run("help cd") == shell.run("help set") == 0
    assert shell.run("help nope") == Mistake.status


@pytest.fixture
def script(started: object, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    def run(text: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return loop.run_script(loop.Shell(None, scripted=True))

    return run


def test_a_script_stops_at_its_first_failure(
    script: Callable[[str], int], started: list[tuple[str, Values]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("# first\n\ncd shop\nshow\nverify\nls\n") == 7
    assert [name for name, _ in started] == ["show", "verify"]
    assert "line 5" in capsys.readouterr().err
    assert script("ls\nexit\nverify\n") == 0


def test_a_line_of_a_script_that_does_not_end_is_refused(script: Callable[[str], int]) -> None:
    with pytest.raises(TooLarge):
        script("\0" * (limits.TEXT_BYTES + 1))


@pytest.mark.parametrize("line", ["set A", "set A --from-file -", "import -", "show --passphrase-file -"])
def test_no_command_takes_the_rest_of_a_script_for_its_value(
    script: Callable[[str], int], started: list[tuple[str, Values]], line: str
) -> None:
    assert script(f"{line}\nls\n") == Mistake.status
    assert started == []


def test_only_lines_that_parse_are_remembered_and_never_a_value(shell: loop.Shell, tmp_path: Path) -> None:
    good = ["cd /shop/prod", "get API_KEY", "set API_KEY", "exec -- env", "verify", "set ./new API_KEY"]
    good += ["rollback /shop/prod 7 -m because", "rollback /shop/prod 7 -mbecause", "import .env . --message 'it was'"]
    bad = [
        "API_KEY=hunter2",
        "set API_KEY <<EOF",
        "hunter2",
        "set API_KEY hunter2",
        "set /shop API_KEY hunter2",
        "set API_KEY=hunter2",
        "set API_KEY --from-file",
        "get hunter-2",
        "exec -- env TOKEN=hunter2 true",
        " get hunter2",
        "get 'hunter2",
        "get A\nhunter2",
        "pwd hunter2",
        "exec --only hunter-2 -- env",
    ]
    for line in (*good, *bad):
        shell.run(line)
    path = tmp_path / "state" / "shell_history"
    assert shell.history.lines == good
    assert path.read_text().splitlines() == ["cd /shop/prod", "exec -- env", "verify"]  # no name, no message
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_names_what_is_not_there_is_forgotten(shell: loop.Shell) -> None:
    for line in ("check hunter2", "explain hunter2", "find hunter2"):
        shell.run(line)
    assert shell.history.lines == ["find hunter2"]


def test_what_a_line_of_the_shell_stands_for_is_run(
    shell: loop.Shell, started: list[tuple[str, Values]], tmp_path: Path
) -> None:
    for line in ("cd shop", "ls prod", "ls API_KEY", "ls -R prod", "cat API_KEY prod/.env", "rm A B"):
        assert shell.run(line) == 0
    assert [name for name, _ in started] == ["ls", "ls", "ls", "get", "export", "unset", "unset"]
    assert [values["level"] for _, values in started[:3]] == ["/shop/prod", "/shop", "/shop/prod"]
    assert (tmp_path / "state" / "shell_history").read_text().splitlines() == ["cd shop", "ls prod", "ls -R prod"]


def test_the_first_failure_ends_a_line_of_several(shell: loop.Shell, started: list[tuple[str, Values]]) -> None:
    _STATUSES["unset"] = 9
    assert shell.run("rm A B") == 9
    del _STATUSES["unset"]
    assert len(started) == 1


def test_control_c_is_survived_and_control_d_leaves(
    shell: loop.Shell, started: list[tuple[str, Values]], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[object] = ["ls", KeyboardInterrupt(), "nope", "verify", EOFError()]

    def ask(_self: object) -> str:
        key = typed.pop(0)
        if isinstance(key, BaseException):
            raise key
        return str(key)

    monkeypatch.setattr("envfs_cli.shell.editor.Editor.__init__", lambda *_, **__: None)
    monkeypatch.setattr("envfs_cli.shell.editor.Editor.ask", ask)
    assert loop.run_terminal(shell) == 0
    assert [name for name, _ in started] == ["ls", "verify"]


def test_every_builtin_is_run_by_the_shell_and_no_command_has_its_name(shell: loop.Shell) -> None:
    table = [word for one in builtins.TABLE for word in (one.name, *one.synonyms)]
    assert len(table) == len(set(table))
    assert all(shell.run(one.name) == 0 for one in builtins.BUILTINS if one.name not in _NEEDS_MORE)


def test_a_refusal_of_the_shell_is_an_error_of_envfs() -> None:
    assert issubclass(Mistake, EnvFSError)

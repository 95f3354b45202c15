"""The interactive shell: levels like paths, the grammar's commands in children, a history without values."""

import io
import os
import signal
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

import pytest

from envfs.core import limits
from envfs.errors import EnvFSError, KeyholderGone, Locked, NotApproved, NotRunning, TooLarge
from envfs.protocol import control
from envfs_cli.arguments import Mistake
from envfs_cli.completion import time_limit
from envfs_cli.completion.sources import Sources
from envfs_cli.daemon.client import Link
from envfs_cli.daemon.session import Session
from envfs_cli.grammar import Command
from envfs_cli.grammar.words import FORMATS
from envfs_cli.shell import builtins, children, kept_daemon, loop, offers
from envfs_cli.shell.history import History

Values = dict[str, object]
LEVELS = ("/", "/shop", "/shop/dev", "/shop/prod", "/shop/prod/eu", "/web")
NAMES = {"/shop/prod": ("API_KEY", "DATABASE_URL"), "/shop": ("DATABASE_URL",)}


class FakeLink(Link):
    """Answers ListLevels and ListVariables from the tables, or fails."""

    def __init__(self, *, private: bool = False, failure: BaseException | None = None) -> None:
        self.private = private
        self.failure = failure
        self.asked: list[object] = []
        self.closed = False

    def ask(
        self, request: object, descriptors: tuple[int, ...] = (), on_row: Callable[[object], None] | None = None
    ) -> tuple[object, bytes]:
        self.asked.append(request)
        if self.failure is not None:
            raise self.failure
        if isinstance(request, control.ListVariables) and on_row:
            for name in NAMES.get(request.level, ()):
                on_row(control.VariableRow(name, request.level))
        if isinstance(request, control.ListLevels) and on_row:
            for level in LEVELS:
                on_row(control.LevelRow(level, 1, "", allowed=True))
        return control.Done(), b""

    def close(self) -> None:
        self.closed = True


def sources(link: Link) -> Sources:
    return Sources(lambda: link, lambda _: None)


# -- the shell ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Values]]:
    """Let commands be recorded instead of run, in this process."""
    found: list[tuple[str, Values]] = []

    def start(what: Command, values: Values) -> int:
        found.append((what.name, values))
        return 7 if what.name == "verify" else 0

    link = FakeLink()
    monkeypatch.setattr(loop, "run_command", start)
    monkeypatch.setattr(children, "in_child", lambda action, with_input: action())
    monkeypatch.setattr(kept_daemon, "borrow_link", lambda: link)
    monkeypatch.setattr(kept_daemon, "hold_daemon", lambda: False)
    monkeypatch.setattr(kept_daemon, "release_daemon", lambda: None)
    monkeypatch.setattr(kept_daemon, "done_with", lambda used: None)
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
    monkeypatch.setattr(kept_daemon, "borrow_link", lambda: FakeLink(failure=NotApproved("no", "ask")))
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
    assert shown.startswith("usage: envfs COMMAND")
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


# -- history -----------------------------------------------------------------------------------------------------------


def test_only_lines_that_parse_are_remembered_and_never_a_value(shell: loop.Shell, tmp_path: Path) -> None:
    good = ["cd /shop/prod", "get API_KEY", "set API_KEY", "exec -- env", "verify", "set ./new API_KEY"]
    bad = [
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
    assert path.read_text().splitlines() == ["cd /shop/prod", "exec -- env", "verify"]  # no variable's name on the disk
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- children ----------------------------------------------------------------------------------------------------------


def fails(error: BaseException) -> Callable[[], int]:
    def action() -> NoReturn:
        raise error

    return action


def end_by_signal() -> int:
    signal.raise_signal(signal.SIGTERM)
    return 0


@pytest.mark.parametrize(
    ("action", "status"),
    [
        (lambda: 0, 0),
        (lambda: 42, 42),
        (fails(NotRunning("no")), NotRunning.status),
        (fails(KeyboardInterrupt()), 130),
        (fails(BrokenPipeError()), 141),
        (fails(RuntimeError("a bug")), 1),
        (end_by_signal, 143),
        (lambda: os.execvp("sh", ["sh", "-c", "exit 9"]), 9),  # noqa: S606 - what `exec` does
        (lambda: os.execvp("sh", ["sh", "-c", "kill -INT $$"]), 130),  # noqa: S606
    ],
)
def test_a_command_ends_in_a_child_and_gives_its_status(action: Callable[[], int], status: int) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert children.in_child(action, with_input=True) == status
    assert signal.getsignal(signal.SIGINT) is before


def test_a_child_of_a_script_reads_an_empty_input() -> None:
    assert children.in_child(lambda: len(os.read(0, 10)), with_input=False) == 0


# -- the kept daemon ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "spoilt"),
    [
        (None, False),
        (Locked("locked"), False),
        (KeyholderGone("gone"), True),
        (KeyboardInterrupt(), True),
        (time_limit.TooSlow(), True),
    ],
)
def test_a_link_left_in_the_middle_of_an_answer_is_spoilt(failure: BaseException | None, spoilt: bool) -> None:
    held = kept_daemon.SharedLink(FakeLink(private=True, failure=failure))
    with nullcontext() if failure is None else pytest.raises(type(failure)):
        held.ask(control.ListGrants())
    assert held.spoilt is spoilt


def test_a_link_spoilt_by_a_child_is_known_to_the_shell() -> None:
    held = kept_daemon.SharedLink(FakeLink(private=True, failure=KeyboardInterrupt()))
    assert children.in_child(lambda: len(held.ask(control.ListGrants())), with_input=True) == 130
    assert held.spoilt


def test_a_spoilt_link_is_let_go_and_a_whole_one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for failure, kept in ((None, True), (KeyboardInterrupt(), False)):
        held = kept_daemon.SharedLink(FakeLink(private=True, failure=failure))
        monkeypatch.setattr(Session, "kept", held)
        if failure:
            with pytest.raises(KeyboardInterrupt):
                held.ask(control.ListGrants())
        kept_daemon.done_with(kept_daemon.borrow_link())
        assert (Session.kept is held) is kept


def test_completion_never_takes_longer_than_a_moment() -> None:
    with pytest.raises(time_limit.TooSlow), time_limit.at_most(0.01):
        signal.pause()


# -- completion --------------------------------------------------------------------------------------------------------


def test_names_are_asked_for_once_until_something_changes() -> None:
    link = FakeLink()
    known = sources(link)
    assert known.names("/shop", ask=False) == ()
    assert known.names("/shop") == known.names("/shop") == ("DATABASE_URL",)
    assert len(link.asked) == 1
    known.forget()
    assert known.names("/shop") == ("DATABASE_URL",)
    assert len(link.asked) == 2


@pytest.mark.parametrize("failure", [Locked("locked"), NotRunning("no"), OSError(), time_limit.TooSlow()])
def test_without_an_answer_there_is_nothing_to_offer_and_it_is_asked_again(failure: Exception) -> None:
    link = FakeLink(failure=failure)
    known = sources(link)
    assert known.levels() == known.names("/shop") == ()
    link.failure = None
    assert known.names("/shop") == ("DATABASE_URL",)


@pytest.mark.parametrize(
    ("before", "typed", "offered"),
    [
        ("", "uns", ["unset"]),
        ("", "ru", ["run"]),
        ("", "c", ["cd", "check", "completion"]),
        ("", "__", []),
        ("envfs", "pw", ["pwd"]),
        ("help", "se", ["set"]),
        ("cd", "p", ["prod/"]),
        ("get", "", ["dev", "prod/", "DATABASE_URL"]),
        ("get prod", "", ["API_KEY", "DATABASE_URL"]),
        ("get prod", "D", ["DATABASE_URL"]),
        ("get nowhere", "", []),
        ("get prod API_KEY", "", []),
        ("show", "../w", ["../web"]),
        ("exec", "d", ["dev"]),
        ("exec dev", "", ["--"]),
        ("exec --", "", offers.PROGRAMS),
        ("exec -- ls", "", offers.FILES),
        ("export -f", "", list(FORMATS)),
        ("export", "--f", ["--format"]),
        ("export -o", "", offers.FILES),
        ("get --version", "", []),
        ("import", "", offers.FILES),
        ("import x", "d", ["dev"]),
        ("log", "", ["verify", "rotate", "restart"]),
        ("nope", "", []),
    ],
)
def test_what_may_stand_at_a_place_is_offered(before: str, typed: str, offered: object) -> None:
    found = offers.completion_offers(offers.LinePlace(before.split(), typed, "/shop"), sources(FakeLink()))
    assert (found if isinstance(found, str) else [offer.text for offer in found]) == offered


# -- the line editor ---------------------------------------------------------------------------------------------------


def type_keys(keys: str, history: History) -> str:
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    from envfs_cli.shell.editor import Editor

    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        return Editor(history, sources(FakeLink()), lambda: "/shop", pipe, DummyOutput()).ask()


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("ls\r", "ls"),
        ("\x1b[A\r", "get API_KEY"),
        ("sh\x1b[A\r", "show"),
    ],
)
def test_keys_become_a_line(keys: str, line: str) -> None:
    history = History("")
    history.lines = ["show", "get API_KEY"]
    assert type_keys(keys, history) == line


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("uns", ["unset"]),
        ("get --ver", ["get --version"]),
        ("get prod/", ["get prod/eu"]),
        ("import /etc/hos", ["import /etc/host.conf", "import /etc/hostname", "import /etc/hosts"]),
        ("get 'a ", []),
    ],
)
def test_tab_completes_the_word_at_the_cursor(typed: str, completed: list[str]) -> None:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from envfs_cli.shell.editor import Completer

    found = Completer(sources(FakeLink()), lambda: "/shop").get_completions(Document(typed), CompleteEvent())
    lines_found = [typed[: len(typed) + one.start_position] + one.text for one in found]
    assert set(lines_found) <= set(completed)
    assert bool(lines_found) is bool(completed)


def test_what_is_typed_is_not_remembered_by_the_editor() -> None:
    history = History("")
    type_keys("set API_KEY hunter2\r", history)
    assert history.lines == []


@pytest.mark.parametrize(("key", "end"), [("half a line\x03", KeyboardInterrupt), ("\x04", EOFError)])
def test_control_c_drops_the_line_and_control_d_ends(key: str, end: type[BaseException]) -> None:
    with pytest.raises(end):
        type_keys(key, History(""))


def test_control_c_is_survived_and_control_d_leaves(
    shell: loop.Shell, started: list[tuple[str, Values]], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[object] = ["ls", KeyboardInterrupt(), "nope", "verify", EOFError()]

    def ask(_self: object) -> str:
        key = typed.pop(0)
        if isinstance(key, BaseException):
            raise key
        return str(key)

    monkeypatch.setattr("envfs_cli.shell.editor.Editor.__init__", lambda *_: None)
    monkeypatch.setattr("envfs_cli.shell.editor.Editor.ask", ask)
    assert loop.run_terminal(shell) == 0
    assert [name for name, _ in started] == ["ls", "verify"]


def test_every_builtin_is_run_by_the_shell_and_no_command_has_its_name(shell: loop.Shell) -> None:
    table = [word for one in builtins.TABLE for word in (one.name, *one.synonyms)]
    assert len(table) == len(set(table))
    assert all(shell.run(one.name) == 0 for one in builtins.BUILTINS if one.name != "exit")


def test_a_refusal_of_the_shell_is_an_error_of_envfs() -> None:
    assert issubclass(Mistake, EnvFSError)

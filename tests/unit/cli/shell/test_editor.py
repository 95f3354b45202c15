"""The line editor: keys become a line, and nothing that was typed is kept."""

import glob

import pytest

from envfs_cli.shell.history import History
from tests.unit.cli.fake_shell_link import FakeLink, sources


def type_keys(keys: str, history: History) -> str:
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    from envfs_cli.shell.editor import Editor

    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        return Editor(history, sources(FakeLink()), lambda: "/shop", terminal=(pipe, DummyOutput())).ask()


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
        ("import /etc/hos", [f"import {path}" for path in sorted(glob.glob("/etc/hos*"))]),
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

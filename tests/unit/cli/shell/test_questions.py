"""Questions of programs, shown above the shell's prompt: those that wait, and no text of theirs raw."""

import pytest

from envfs.errors import NotApproved
from envfs.protocol import control
from envfs_cli.daemon import client
from envfs_cli.replies import questions as words
from envfs_cli.shell.questions import Questions
from tests.unit.cli.fake_daemon import HOSTILE

ROW = control.QuestionRow(
    question="q1",
    state="open",
    uid=1001,
    user="deploy",
    level="/shop",
    version=0,
    format="dotenv",
    channel="mount",
    variables=3,
    program="/usr/bin/cat",
    script="",
    folder="/srv",
    unit="",
    reason="to test",
    processes=(control.ProcessFact(7, 1001, "/usr/bin/cat x", terminal=True),),
    waiting=2,
    asked="2026-11-21T09:00:00.000000Z",
    seconds_left=60,
    choices=("once", "process"),
)


class Watched:
    """A daemon that tells of questions."""

    def __init__(self, *rows: list[object] | None) -> None:
        self._rows = list(rows)
        self.asked: list[object] = []
        self.is_closed = False

    def begin(self, request: object) -> None:
        self.asked.append(request)

    def fileno(self) -> int:
        return 9

    def come(self) -> list[object] | None:
        rows = self._rows.pop(0)
        if rows == ["refused"]:
            raise NotApproved("no")
        return rows

    def close(self) -> None:
        self.is_closed = True


Running = list[Watched]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Running:
    """Give the list of running daemons: none, until a test adds one."""
    running: Running = []
    monkeypatch.setattr(client, "running_daemon", lambda: running[0] if running else None)
    return running


def watched(daemon: Running, *rows: list[object] | None) -> tuple[Questions, Watched]:
    daemon.append(Watched(*rows))
    return Questions(), daemon[0]


def test_a_question_is_shown_whole_with_the_lines_that_answer_it(daemon: Running) -> None:
    asked, link = watched(daemon, [ROW])
    assert asked.stream.source() == 9
    assert link.asked == [control.WatchApprovals()]
    text = "\n".join(asked.lines())
    for part in ("q1", "/shop", "deploy (uid 1001)", "/usr/bin/cat x", "to test", "3 variables", "2 since"):
        assert part in text
    assert "envfs approvals respond q1 yes --for process" in text
    assert "envfs approvals respond q1 no" in text
    assert asked.stream.is_open


def test_a_question_that_has_ended_meanwhile_is_not_shown(daemon: Running) -> None:
    asked, _ = watched(daemon, [ROW, ROW._replace(state="denied", answered_by=0)])
    asked.stream.source()
    assert asked.lines() == ["q1 was refused by uid 0"]


@pytest.mark.parametrize(("rows", "again"), [(None, 9), (["refused"], -1)])
def test_a_daemon_that_goes_or_does_not_tell_ends_the_watch_and_nothing_else(
    daemon: Running, rows: list[object] | None, again: int
) -> None:
    asked, link = watched(daemon, rows)
    asked.stream.source()
    assert asked.lines() == []
    assert link.is_closed
    assert not asked.stream.is_open
    assert asked.stream.source() == again


def test_without_a_daemon_there_is_nothing_to_wait_for(daemon: Running) -> None:
    asked = Questions()
    assert asked.stream.source() == -1
    assert asked.lines() == []


def test_no_text_of_a_program_goes_on_where_a_line_of_the_question_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lie = "x" * 68 + "  who     root (uid 0)" + "\u6f22" * 60
    lines = words.question_lines(ROW._replace(reason=lie, folder=HOSTILE * 9))
    assert all(line.isprintable() and len(line) <= 80 for line in lines)
    assert [line for line in lines if line.startswith("  who ")] == [lines[1]]
    starts = {line[:10] for line in lines[1:]}
    assert {start for start in starts if start.strip()} <= {
        f"  {name:<8}" for name in ("who", "folder", "why", "what", "waits", "yes", "no")
    } | {"        | "}

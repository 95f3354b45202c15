"""The state of the daemon for the status line: of one that runs, of the shell's own, of none."""

import pytest

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs_cli.daemon import client, session
from envfs_cli.shell import daemon_state, private_daemon
from envfs_cli.shell.daemon_state import DaemonState
from tests.unit.cli.fake_shell_link import FakeLink
from tests.unit.cli.shell.test_questions import Watched

ROWS = [control.StatusRow("owner", unlocked=False), control.StatusRow("owner", unlocked=True)]


def running(monkeypatch: pytest.MonkeyPatch, link: Watched | None) -> DaemonState:
    monkeypatch.setattr(client, "running_daemon", lambda: link)
    return DaemonState()


def test_the_newest_row_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Watched([*ROWS], [])
    state = running(monkeypatch, link)
    assert state.source() == 9
    assert link.asked == [control.WatchStatus()]
    assert state.take()
    assert state.row == ROWS[1]
    assert state.take()
    assert state.row == ROWS[1]
    assert state.has_vault


def test_a_daemon_that_ends_leaves_no_state_and_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    state = running(monkeypatch, Watched([*ROWS], None))
    state.source()
    state.take()
    assert not state.take()
    assert state.row is None
    assert state.is_away


def test_a_daemon_that_does_not_know_the_request_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Older(Watched):
        def come(self) -> list[object] | None:
            raise BadRequest("an unexpected message")

    state = running(monkeypatch, Older())
    state.source()
    assert not state.take()
    assert state.source() == -1
    assert not state.is_away


def test_a_daemon_that_says_nothing_for_long_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(daemon_state.time, "monotonic", lambda: now)
    state = running(monkeypatch, Watched([*ROWS], [], None))
    state.source()
    state.take()
    now += daemon_state.SILENT_SECONDS + 1
    assert state.is_silent
    state.take()
    assert not state.is_silent
    now += daemon_state.SILENT_SECONDS + 1
    assert state.is_silent
    state.take()
    assert not state.is_silent


def test_without_a_daemon_there_is_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    state = running(monkeypatch, None)
    assert state.source() == -1
    assert state.is_away


def test_the_shells_own_daemon_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    report = control.StatusReport("", 0, 0, "", "", "", unlocked=True, keyholder_pid=0, grants=0, log="", log_entries=0)

    class Own(FakeLink):
        def ask(self, request: object, *_: object) -> tuple[object, bytes]:
            return report, b""

    monkeypatch.setattr(private_daemon, "done_with", lambda link: None)
    session.share_link(Own(private=True))
    try:
        state = running(monkeypatch, None)
        assert state.source() == -1
        assert state.is_own
        assert state.row == control.StatusRow("owner", unlocked=True)
    finally:
        session.share_link(None)

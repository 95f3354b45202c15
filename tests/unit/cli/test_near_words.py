"""What is near a name is asked of a daemon that runs. Nobody waits for one to start: the lock may be this command's."""

import time

import pytest

from envfs.errors import NoSuchLevel
from envfs_cli import near_words
from envfs_cli.daemon import client


def test_where_no_daemon_runs_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_seconds: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr(client, "running_daemon", lambda: None)
    monkeypatch.setattr(time, "sleep", wait)
    error = NoSuchLevel("there is no level /shpo", "`envfs ls` lists the levels")
    near_words.suggest_near(error, ["show", "/shpo"])
    assert error.hint == "`envfs ls` lists the levels"

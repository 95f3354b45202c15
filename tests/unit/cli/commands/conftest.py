"""What the tests of commands share: a line is run against a fake daemon."""

from collections.abc import Callable
from pathlib import Path

import pytest

from envfs_cli import arguments, grammar
from envfs_cli.daemon import client, session
from envfs_cli.run import run_command
from tests.unit.cli.fake_daemon import FakeLink


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, FakeLink], int]:
    """Give a function that runs a line against a fake daemon."""

    def started(line: str, link: FakeLink) -> int:
        monkeypatch.setenv("ENVFS_HOME", str(tmp_path))  # whatever is not caught below finds nothing there
        monkeypatch.setattr(session, "start_session", lambda *_: session.Session(link))  # type: ignore[arg-type]
        for name in ("running_daemon", "reach_daemon", "need_running", "reach_for_look", "reach_own_daemon"):
            monkeypatch.setattr(client, name, lambda *_: link)
        name, *words = line.split()
        command = grammar.find_command(name)
        assert command is not None
        return run_command(command, arguments.read_values(command, words))

    return started

"""The hook gets each event as it is, is never waited for, and is not started where another user could have put it."""

import os
from pathlib import Path

import pytest

from envfs.host.process import hook
from envfs.host.process.hook import Hook
from tests.system.home import eventually

EVENT = b'{"event":"canary","level":"/shop"}\n'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Give a program that keeps what it is given, in a folder that only this user writes."""
    path = tmp_path / "alarm"
    path.write_text(f"#!/bin/sh\ncat > {tmp_path}/new; env > {tmp_path}/env; ls /proc/$$/fd > {tmp_path}/fds\n")
    path.write_text(path.read_text() + f"mv {tmp_path}/new {tmp_path}/event\n")
    path.chmod(0o700)
    return path


def test_the_event_comes_on_standard_input_and_nothing_else_is_handed_on(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "1")
    started, event = Hook(), program.with_name("event")
    inherited = os.dup2(0, 77, inheritable=True)
    started.start(str(program), EVENT)
    eventually(event.exists, "the hook ran")
    os.close(inherited)
    assert event.read_bytes() == EVENT
    assert "SECRET_OF_THE_DAEMON" not in program.with_name("env").read_text()
    assert "77" not in program.with_name("fds").read_text().split()
    assert (started.problem, started.skipped) == ("", 0)


@pytest.mark.parametrize("how", ["gone", "folder", "no program", "writable", "in a writable folder", "of another user"])
def test_a_program_that_others_could_have_put_there_is_not_started(program: Path, how: str) -> None:
    match how:
        case "gone":
            program.unlink()
        case "folder":
            program.unlink()
            program.mkdir()
        case "no program":
            program.chmod(0o600)
        case "writable":
            program.chmod(0o777)
        case "in a writable folder":
            program.parent.chmod(0o777)
        case _:
            os.chown(program, 54321, 54321)
    started = Hook()
    started.start(str(program), EVENT)
    eventually(lambda: started.skipped, "it was refused")
    assert str(program) in started.problem
    assert not program.with_name("event").exists()


def test_a_link_to_a_trusted_program_is_one(program: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(program)
    assert hook.untrusted(str(link)) == ""


def test_a_program_that_hangs_is_not_waited_for_and_more_than_so_many_are_counted(tmp_path: Path) -> None:
    program = tmp_path / "hang"
    program.write_text(f"#!/bin/sh\n[ -e {tmp_path}/end ] || echo >> {tmp_path}/begun\n")
    program.write_text(program.read_text() + f"until [ -e {tmp_path}/end ]; do sleep 0.1; done\n")
    program.chmod(0o700)
    started = Hook()
    for _ in range(100):
        started.start(str(program), EVENT)
    assert started.skipped >= 100 - 64 - 4
    begun = tmp_path / "begun"
    eventually(lambda: begun.exists() and len(begun.read_text()) == 4, "four began")
    (tmp_path / "end").touch()
    eventually(lambda: not started._events.unfinished_tasks, "the others were started")

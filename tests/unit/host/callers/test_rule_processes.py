"""Processes with which rules end: named once, and looked for again, by real processes."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from envfs.host.callers import rule_processes
from envfs.host.callers.rule_processes import has_ended, lives
from tests.rule_processes import named, running, wait_for_end


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that ends when its standard input does."""
    with running() as process:
        yield process


def test_it_lives_until_it_has_ended_and_not_until_its_status_is_taken(child: subprocess.Popen[bytes]) -> None:
    process = named(child.pid)
    assert lives(process)
    assert has_ended(process) is False
    child.kill()
    wait_for_end(child.pid)
    assert not lives(process)
    assert has_ended(process) is True
    child.wait()
    assert not lives(process)
    assert has_ended(process) is True


def test_one_that_has_ended_has_no_name(child: subprocess.Popen[bytes]) -> None:
    pidfd = os.pidfd_open(child.pid)
    child.kill()
    wait_for_end(child.pid)
    assert rule_processes.name_process(child.pid, pidfd) is None
    assert rule_processes.name_process(0, pidfd) is None
    os.close(pidfd)


def test_the_same_number_is_another_process() -> None:
    process = named(os.getpid())
    assert lives(process)
    assert not lives(process._replace(pidfd=process.pidfd + 1))
    assert has_ended(process._replace(boot="another run")) is True


@pytest.mark.parametrize("pid", [0, -1, 1 << 31, 1 << 70])
def test_a_number_that_no_process_has_does_no_harm(pid: int) -> None:
    assert not lives(named(os.getpid())._replace(pid=pid))


def test_without_a_number_that_lasts_its_start_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_processes, "inode_of", lambda _pidfd: 0)  # as before Linux 6.9
    process = named(os.getpid())
    assert process.pidfd == 0
    assert lives(process)
    assert has_ended(process._replace(start=process.start - 0.01)) is True

"""What is seen of a process, its ancestors and its reason."""

import os
import pty
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from envfs.core.approvals.lineage import is_complete
from envfs.host.callers import lineages, pending_signals
from envfs.host.evidence import process_files
from tests.system.home import eventually


def test_a_lineage_goes_from_the_process_to_the_first_one() -> None:
    lineage = lineages.lineage_of(os.getpid())
    assert lineage[0].pid == os.getpid()
    assert lineage[0].uid == os.getuid()
    assert lineage[0].session == os.getsid(0)
    assert lineage[0].program == str(Path(sys.executable).resolve())
    assert lineage[1].pid == os.getppid()
    assert is_complete(lineage)
    assert all(above.start <= process.start for process, above in pairwise(lineage))


def test_a_process_that_is_not_there_has_none() -> None:
    assert lineages.lineage_of(1 << 22) == ()
    assert lineages.process_at(0) is None
    assert lineages.reason_of(1 << 22) == ""
    assert lineages.folder_of(1 << 22) == ""


def test_a_name_with_brackets_and_spaces_is_read_whole(tmp_path: Path) -> None:
    program = tmp_path / "a) S (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as child:
        try:
            process = lineages.process_at(child.pid)
            assert process is not None
            assert (process.name, process.parent) in (("a) S (b", os.getpid()), ("sleep", os.getpid()))
        finally:
            child.kill()


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"ENVFS_REASON": "to deploy"}, "to deploy"),
        ({"A": "1", "ENVFS_REASON": "é\x1b[31m", "Z": "2"}, "é\x1b[31m"),
        ({"X": "ENVFS_REASON=no"}, ""),
        ({"MY_ENVFS_REASON": "no"}, ""),
        ({"ENVFS_REASON": ""}, ""),
        ({}, ""),
    ],
)
def test_a_reason_is_that_of_the_environment(environ: dict[str, str], reason: str) -> None:
    with subprocess.Popen(["/bin/sleep", "60"], env=environ) as child:
        try:
            eventually(lambda: lineages.reason_of(child.pid) == reason, "the program has its environment")
        finally:
            child.kill()


def test_a_terminal_is_known_by_its_device_and_its_age() -> None:
    child, master = pty.fork()
    if child == 0:
        os.execv("/bin/sleep", ["sleep", "60"])  # noqa: S606
    try:
        eventually(lambda: getattr(lineages.process_at(child), "terminal", 0), "it has its terminal")
        process = lineages.process_at(child)
        assert process is not None
        terminal = lineages.terminal_of(process)
        assert terminal is not None
        assert terminal.path.startswith("/dev/pts/")
        assert terminal.changed_ns == os.stat(terminal.path).st_ctime_ns
        assert os.stat(terminal.path).st_rdev == process.terminal
        assert lineages.terminal_of(process._replace(terminal=0)) is None
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(master)


def test_a_thread_that_no_signal_waits_for_is_not_interrupted_and_one_that_is_gone_is() -> None:
    assert not pending_signals.is_interrupted(os.getpid())
    assert pending_signals.is_interrupted(1 << 22)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root joins groups")
def test_the_signals_of_a_process_in_very_many_groups_are_seen() -> None:
    groups = [4_294_000_000 + number for number in range(3000)]
    block = "import signal, sys; signal.pthread_sigmask(0, [2]); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", block]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, extra_groups=groups) as child:
        assert child.stdout
        child.stdout.readline()
        assert not pending_signals.is_interrupted(child.pid)
        try:
            child.send_signal(signal.SIGINT)  # it waits, for it is blocked
            with process_files.process_folder(child.pid) as folder:
                pending = b"\nShdPnd:\t%016x\n" % (1 << (signal.SIGINT - 1))
                status = process_files.process_status(folder)
                assert pending in status
                assert pending_signals.is_pending(status.replace(b"\nSigBlk:\t%016x" % 2, b"\nSigBlk:\t0"))
        finally:
            child.kill()


_STATUS = b"Name:\tx\nSigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t0\n"


@pytest.mark.parametrize(
    ("own", "shared", "blocked", "ignored", "interrupted"),
    [
        (0, 0, 0, 0, False),
        (0, 1 << 1, 0, 0, True),  # SIGINT
        (1 << 8, 0, 1 << 8, 1 << 8, True),  # SIGKILL is neither blocked nor ignored
        (0, 1 << 1, 1 << 1, 0, False),
        (0, 1 << 1, 0, 1 << 1, False),
        (0, 1 << 16, 0, 0, False),  # SIGCHLD
        (0, 1 << 19, 0, 0, False),  # SIGTSTP
        (1 << 33, 0, 0, 0, True),  # of the C library's own
    ],
)
def test_a_signal_counts_if_it_would_end_or_divert_the_thread(
    own: int, shared: int, blocked: int, ignored: int, interrupted: bool
) -> None:
    assert pending_signals.is_pending(_STATUS % (own, shared, blocked, ignored)) is interrupted

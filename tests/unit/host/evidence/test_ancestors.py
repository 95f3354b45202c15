"""Ancestors: the chain of parents as it is, or none."""

import os
import signal
import subprocess
import time
from pathlib import Path

from envfs.core.access.evidence import Need
from envfs.host.evidence import ancestors
from envfs.host.evidence.process_files import open_process, process_folder, process_stat
from envfs.host.evidence.program_files import ProgramFiles
from tests.unit.host.evidence.running import gathered, number_of, running, source_of, wait_for_program

SH = str(Path("/bin/sh").resolve())


def started_by(folder: int) -> int:
    """Wait for the process that another one started."""
    number = number_of(folder)
    path, until = Path(f"/proc/{number}/task/{number}/children"), time.monotonic() + 60
    while not (children := path.read_text().split()):
        assert time.monotonic() < until
        time.sleep(0.005)
    return int(children[0])


def depth_of(number: int) -> int:
    """Count the ancestors of a process."""
    parent = int(Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].split()[1])
    return 1 + depth_of(parent) if parent else 0


def test_parents_come_nearest_first_up_to_the_first_process() -> None:
    with running(SH, "-c", "/bin/cat; true") as folder:
        child = started_by(folder)
        below = open_process(child)
        try:
            wait_for_program(below, "cat")
            programs = gathered(source_of(below)).ancestors
        finally:
            os.close(below)
        assert [program.path for program in programs[:2]] == [SH, os.readlink("/proc/self/exe")]
        assert programs[0].sha256
        assert programs[0].is_there
        assert len(programs) == depth_of(child)


def test_a_process_whose_parent_ended_descends_from_the_one_that_took_it_over() -> None:
    reading, writing = os.pipe()
    line = "exec 3<&0; /bin/cat <&3 >&2 & echo $!"
    parent = subprocess.run([SH, "-c", line], stdin=reading, stdout=subprocess.PIPE, check=True)
    folder = open_process(int(parent.stdout))
    try:
        evidence = gathered(source_of(folder))
        assert Need.ANCESTORS in evidence.seen
        assert len(evidence.ancestors) == depth_of(int(parent.stdout))
        assert SH not in [program.path for program in evidence.ancestors[:1]]
    finally:
        for descriptor in (folder, reading, writing):
            os.close(descriptor)


def test_a_chain_through_another_user_namespace_is_none() -> None:
    with running("unshare", "-Ur", SH, "-c", "/bin/cat; true", until=Path(SH).name) as folder:
        below = open_process(started_by(folder))
        try:
            wait_for_program(below, "cat")
            assert Need.ANCESTORS not in gathered(source_of(below)).seen
        finally:
            os.close(below)


def test_a_chain_that_is_too_long_is_none(monkeypatch: object) -> None:
    with running("/bin/cat") as folder:
        assert ancestors.find_ancestors(ProgramFiles(), folder, process_stat(folder), with_digests=False)
        original, ancestors.MOST_ANCESTORS = ancestors.MOST_ANCESTORS, 0
        try:
            assert ancestors.find_ancestors(ProgramFiles(), folder, process_stat(folder), with_digests=False) is None
            assert Need.ANCESTORS not in gathered(source_of(folder)).seen
        finally:
            ancestors.MOST_ANCESTORS = original


def test_a_parent_that_the_child_does_not_have_any_more_is_not_told() -> None:
    with running("/bin/cat") as folder:
        stat = process_stat(folder)
        for parent in (1, (1 << 22) - 1):
            told = ancestors.find_ancestors(ProgramFiles(), folder, stat._replace(parent=parent), with_digests=False)
            assert told is not None
            assert told[0].path == os.readlink("/proc/self/exe")


def test_nothing_stays_open() -> None:
    with running("/bin/cat") as folder:
        open_before = len(os.listdir("/proc/self/fd"))
        ancestors.find_ancestors(ProgramFiles(), folder, process_stat(folder), with_digests=False)
        assert len(os.listdir("/proc/self/fd")) <= open_before


def test_a_process_that_has_not_execd_since_a_fork_began_with_its_parent() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        grandchild = os.fork()
        if grandchild:
            os.write(writing, grandchild.to_bytes(4))
        time.sleep(60)
        os._exit(0)
    number = int.from_bytes(os.read(reading, 4))
    try:
        with process_folder(os.getpid()) as folder:
            own = process_stat(folder)
        assert not own.is_fork
        for forked in (child, number):
            with process_folder(forked) as folder:
                assert process_stat(folder).is_fork
            assert ancestors.began_at(forked) == own.started
    finally:
        for pid in (number, child):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_a_process_that_has_execd_began_by_itself() -> None:
    with running("/bin/cat") as folder:
        assert not process_stat(folder).is_fork
        assert ancestors.began_at(number_of(folder)) == process_stat(folder).started

"""Processes for tests of evidence: their folder in /proc is open for as long as they run."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from envfs.core.access.evidence import Evidence, Need
from envfs.host.evidence import process_files
from envfs.host.evidence.process_files import read_process_file
from envfs.host.evidence.process_source import Outline, ProcessSource
from envfs.host.evidence.program_files import ProgramFiles
from envfs.host.evidence.unfinished import Unfinished

ALL = frozenset(Need)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
_PARTS = 20  # of a process that take their time: fewer
WAITING = "echo waits\nread line\n"  # a script of the shell that does nothing until its standard input ends


@contextmanager
def running(*words: str | Path, until: str = "", cwd: Path | None = None) -> Iterator[int]:
    """Run a command, which waits for its standard input, once it runs `until`; the block has its folder."""
    with _started(*words, until=until, cwd=cwd) as (_process, folder):
        yield folder


@contextmanager
def running_script(*words: str | Path, until: str = "", cwd: Path | None = None) -> Iterator[int]:
    """Run a command whose script is `WAITING`, as `running` does, once it has opened the script."""
    with _started(*words, until=until, cwd=cwd) as (process, folder):
        assert process.stdout is not None
        assert process.stdout.readline() == b"waits\n"
        yield folder


@contextmanager
def _started(*words: str | Path, until: str, cwd: Path | None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd)
    folder = process_files.open_process(process.pid)
    try:
        wait_for_program(folder, until or os.path.basename(words[0]))
        yield process, folder
    finally:
        os.close(folder)
        process.kill()
        process.communicate()


def wait_for_program(folder: int, name: str) -> None:
    """Wait until the process runs the program of that name."""
    until = time.monotonic() + 60
    while os.path.basename(os.readlink("exe", dir_fd=folder)) != name or not read_process_file(folder, "cmdline"):
        assert time.monotonic() < until
        time.sleep(0.005)


def number_of(folder: int) -> int:
    """Return the number of the process whose folder it is."""
    return process_files.status_numbers(process_files.process_status(folder), b"Pid")[0]


def source_of(folder: int, files: ProgramFiles | None = None) -> ProcessSource:
    """Return the source of evidence of a process."""
    return ProcessSource(folder, Outline(number_of(folder), (1, 2), "some.service"), files or ProgramFiles())


def gathered(source: ProcessSource, needs: Sequence[Need] | frozenset[Need] = ALL) -> Evidence:
    """Gather, and let what takes its time be finished."""
    for _ in range(_PARTS):
        try:
            return source.gather(frozenset(needs))
        except Unfinished as unfinished:
            unfinished.finish()
    raise AssertionError("it is never finished")

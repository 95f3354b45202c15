"""No process can keep the daemon waiting by its memory, nor keep the scripts of other users out of the log."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Need
from envfs.host.callers import bounded_reads, lineages
from envfs.host.callers.bounded_reads import BoundedReads
from envfs.host.callers.callers import Callers
from envfs.host.callers.origins import Origins
from envfs.host.evidence import process_files
from envfs.host.evidence.process_source import ProcessSource
from tests.system.home import eventually

WAIT = "import sys; print(flush=True); sys.stdin.read()"
PYTHON = str(Path("/proc/self/exe").readlink())
NEVER_ENDING = """
import mmap, os, sys
path = sys.argv[1]
pages = mmap.mmap(os.open(path, os.O_RDWR), 4096, flags=mmap.MAP_SHARED)
pages[0] = 1
print(flush=True)
mmap.mmap(os.open(path, os.O_RDWR | os.O_APPEND), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
"""


def other_uid() -> int:
    return 4321 if os.geteuid() == 0 else os.getuid() + 1


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def is_read(reads: BoundedReads, uid: int) -> bool:
    reads._silences.pop(uid, None)  # of a machine that was too busy to start a thread
    return reads.read(uid, lambda: "text") == "text"


def test_a_read_that_does_not_end_keeps_no_other_user_waiting(release: threading.Event) -> None:
    reads = BoundedReads()

    def endless() -> str:
        release.wait()
        return "late"

    assert reads.read(1000, endless) == ""
    for _ in range(50):
        assert reads.read(1000, lambda: "of the same user") == ""
    eventually(lambda: is_read(reads, 1001), "another user's is read")
    assert reads._reading == {1000}


def test_a_user_is_read_again_in_the_end_and_twice_as_late_each_time(
    release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, now = BoundedReads(), 0.0
    monkeypatch.setattr(bounded_reads.time, "monotonic", lambda: now)
    for seconds in (1, 2, 4, 8):
        assert reads.read(1000, lambda: str(release.wait())) == ""
        release.set()
        eventually(lambda: not reads._reading, "the read has ended")
        release.clear()
        now += seconds - 0.5
        assert reads.read(1000, lambda: "too early") == ""
        now += 0.5


def test_threads_are_bounded_and_each_user_has_one(release: threading.Event) -> None:
    reads, before = BoundedReads(), set(threading.enumerate())  # of which some may end: another test's, that are idle
    for uid in range(200):
        reads.read(uid, lambda: str(release.wait()))
        reads.read(uid, lambda: str(release.wait()))
    assert len(set(threading.enumerate()) - before) == bounded_reads.MOST_THREADS
    release.set()
    eventually(lambda: not set(threading.enumerate()) - before, "they end")
    eventually(lambda: is_read(reads, 1000), "and others are read again")


def test_without_a_thread_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError

    reads = BoundedReads()
    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert reads.read(1000, lambda: "x") == ""
    assert not reads._reading


@contextmanager
def blocked(folder: Path) -> Iterator[int]:
    """Run a process that holds the lock of its memory for as long as the block."""
    mount = folder / "mount"
    mount.mkdir()
    serve = [sys.executable, str(Path(__file__).with_name("blocking_writes.py")), str(mount)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE) as server:
        assert server.stdout
        try:
            assert server.stdout.readline() == b"ready\n"
            with subprocess.Popen([sys.executable, "-c", NEVER_ENDING, str(mount / "file")]) as process:
                try:
                    assert server.stdout.readline() == b"blocked\n"
                    yield process.pid
                finally:
                    process.kill()
                    server.kill()
                    subprocess.run(["fusermount3", "-uz", str(mount)], check=False)
        finally:
            server.kill()


@contextmanager
def running_script(folder: Path, uid: int) -> Iterator[tuple[int, str]]:
    """Run a script as a user, and have the number of its process."""
    script = folder / "app.py"
    script.write_text(WAIT)
    user = {"user": uid} if os.geteuid() == 0 else {}
    command = [PYTHON, "-I", str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **user) as process:  # type: ignore[call-overload]
        assert process.stdout
        process.stdout.readline()
        yield process.pid, str(script)
        process.communicate()


def test_a_process_that_holds_its_memory_keeps_only_its_own_script_out_of_the_log(ground: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=ground))
    folder.chmod(0o755)
    with blocked(folder) as pid, running_script(folder, other_uid()) as (other, script):
        origins, callers = Origins(), Callers()
        caller = callers.look(pid, os.getuid(), os.getgid())
        seen = origins.look(caller)
        assert (seen.script, seen.session) == ("", os.getsid(0))
        assert origins._reads._reading == {os.getuid()}
        of_other = Caller(other_uid(), 0, other, PYTHON)
        eventually(lambda: _again(origins, of_other) == script, "the other user's script is told")
        assert origins._reads._reading == {os.getuid()}
        _check_that_nothing_else_waits(pid, caller)
    eventually(lambda: not origins._reads._reading, "the read ends with its process")


def _again(origins: Origins, caller: Caller) -> str:
    origins._seen.clear()
    origins._reads._silences.clear()
    return origins.look(caller).script


def _check_that_nothing_else_waits(pid: int, caller: Caller) -> None:
    with process_files.process_folder(pid) as folder:
        assert process_files.process_stat(folder).pid == pid
        assert process_files.process_status(folder)
        assert process_files.executable_path(folder) == PYTHON
        assert process_files.working_folder(folder)
        assert process_files.read_process_file(folder, "cgroup")
    assert lineages.process_at(pid) is not None
    assert isinstance(caller.source, ProcessSource)
    evidence = caller.source.gather_all(frozenset(Need) - {Need.SCRIPT, Need.SCRIPT_DIGEST})
    assert evidence.seen >= {Need.PROGRAM_DIGEST, Need.ANCESTORS, Need.SESSION, Need.AGE}

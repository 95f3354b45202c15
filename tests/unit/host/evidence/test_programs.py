"""The program of a process: the file that runs, whatever its name says, and its content where that is sure."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from envfs.host.evidence.program_files import ProgramFiles
from envfs.host.evidence.unfinished import Unfinished
from tests.unit.host.evidence.running import needs_root, running

CAT = Path(shutil.which("cat") or "/bin/cat").resolve()


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(CAT, tmp_path / "program"))


def test_a_program_is_known_by_its_file() -> None:
    with running(CAT) as folder:
        program = ProgramFiles().program(folder, with_digest=True)
        assert program is not None
        status = CAT.stat()
        assert program == (str(CAT), status.st_dev, status.st_ino, digest_of(CAT), True)
        without = ProgramFiles().program(folder, with_digest=False)
        assert without == program._replace(sha256="")


def test_a_file_that_took_the_name_is_not_the_program(copy: Path) -> None:
    with running(copy) as folder:
        files = ProgramFiles()
        before = files.program(folder, with_digest=True)
        copy.rename(copy.with_name("aside"))
        shutil.copy("/bin/sleep", copy)
        after = files.program(folder, with_digest=True)
        assert before is not None
        assert after == before._replace(path=str(copy.with_name("aside")))


def test_a_deleted_program_is_nowhere(copy: Path) -> None:
    with running(copy) as folder:
        copy.unlink()
        shutil.copy(CAT, copy)
        program = ProgramFiles().program(folder, with_digest=True)
        assert program is not None
        assert (program.path, program.is_there) == (f"{copy} (deleted)", False)


def test_a_program_in_memory_alone_is_nowhere_and_has_no_digest() -> None:
    handle = os.memfd_create("cat", 0)
    os.write(handle, CAT.read_bytes())
    process = subprocess.Popen([f"/proc/{os.getpid()}/fd/{handle}"], stdin=subprocess.PIPE)
    folder = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    try:
        program = ProgramFiles().program(folder, with_digest=True)
        assert program is not None
        assert (program.path, program.sha256, program.is_there) == ("/memfd:cat (deleted)", "", False)
    finally:
        process.communicate()
        os.close(folder)
        os.close(handle)


@needs_root
def test_a_name_of_another_mount_namespace_leads_nowhere_here(copy: Path) -> None:
    shutil.copy("/bin/sleep", copy.with_name("approved"))
    approved = copy.with_name("approved")
    line = f"mount --bind {copy} {approved} && exec {approved}"
    with running("unshare", "-m", "sh", "-c", line, until="approved") as folder:
        program = ProgramFiles().program(folder, with_digest=True)
        assert program is not None
        assert (program.path, program.inode, program.is_there) == (str(approved), copy.stat().st_ino, False)
        assert program.sha256 == digest_of(CAT)


def test_a_process_of_another_user_namespace_has_no_program() -> None:
    with running("unshare", "-Ur", CAT, until="cat") as folder:
        assert ProgramFiles().program(folder, with_digest=True) is None


def test_a_changed_program_has_another_digest(copy: Path) -> None:
    files = ProgramFiles()
    with running(copy) as folder:
        first = files.program(folder, with_digest=True)
    with copy.open("ab") as file:
        file.write(b"more")
    with running(copy) as folder:
        second = files.program(folder, with_digest=True)
    assert first is not None
    assert second is not None
    assert (first.sha256, second.sha256) == (digest_of(CAT), digest_of(copy))


def test_a_large_program_is_read_by_somebody_else(copy: Path) -> None:
    with copy.open("r+b") as file:
        file.truncate(1 << 20)
    files = ProgramFiles()
    with running(copy) as folder:
        open_before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(Unfinished) as unfinished:
            files.program(folder, with_digest=True)
        unfinished.value.finish()
        unfinished.value.finish()
        program = files.program(folder, with_digest=True)
        assert program is not None
        assert program.sha256 == digest_of(copy)
        assert len(os.listdir("/proc/self/fd")) <= open_before


def test_nothing_stays_open_of_what_nobody_finishes(copy: Path) -> None:
    with copy.open("r+b") as file:
        file.truncate(1 << 20)
    with running(copy) as folder:
        open_before = len(os.listdir("/proc/self/fd"))
        try:
            ProgramFiles().program(folder, with_digest=True)
        except Unfinished:
            assert len(os.listdir("/proc/self/fd")) <= open_before + 1
        assert len(os.listdir("/proc/self/fd")) <= open_before


def test_a_process_that_ended_has_no_program() -> None:
    process = subprocess.Popen([CAT], stdin=subprocess.PIPE)
    folder = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    process.communicate()
    assert ProgramFiles().program(folder, with_digest=True) is None
    os.close(folder)

"""The script of a process: the file that its command line names where the process stands, opened without a wait."""

import hashlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from envfs.core.access.evidence import Need, ProgramFile
from envfs.host.evidence.process_files import process_stat, read_process_file
from envfs.host.evidence.program_files import ProgramFiles
from envfs.host.evidence.script_words import Told
from envfs.host.evidence.scripts import TRIES, RunningScript, find_script
from envfs.host.evidence.unfinished import Unfinished
from tests.unit.host.evidence.running import WAITING, gathered, needs_root, running, running_script, source_of

SH = str(Path("/bin/sh").resolve())


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "deploy.sh"
    path.write_text(WAITING)
    return path


def script_of(folder: int, *, with_digest: bool = True) -> ProgramFile | Told:
    files, began = ProgramFiles(), process_stat(folder).started
    words = read_process_file(folder, "cmdline", 1 << 16).split(b"\0")[:-1]
    for _ in range(TRIES):
        try:
            return find_script(files, RunningScript(folder, began, words), with_digest=with_digest)
        except Unfinished as unfinished:
            unfinished.finish()
    return Told.CANNOT_TELL


def test_a_script_is_told_with_its_content(script: Path) -> None:
    time.sleep(0.03)
    status, digest = script.stat(), hashlib.sha256(script.read_bytes()).hexdigest()
    with running_script(SH, "-e", script) as folder:
        assert script_of(folder) == ProgramFile(str(script), status.st_dev, status.st_ino, digest, is_there=True)


def test_a_script_is_sought_where_the_process_stands(script: Path) -> None:
    with running_script(SH, "deploy.sh", cwd=script.parent) as folder:
        found = script_of(folder)
        assert isinstance(found, ProgramFile)
        assert (found.path, found.is_there) == (str(script), True)


@pytest.mark.parametrize("word", ["/dev/fd/0", "/proc/self/fd/0", "/proc/self/cwd/deploy.sh", "/dev/stdin"])
def test_a_path_that_is_another_file_for_each_process_tells_no_script(script: Path, word: str) -> None:
    with running_script(SH, script) as folder:
        running_word = RunningScript(folder, process_stat(folder).started, [b"sh", word.encode()])
        assert find_script(ProgramFiles(), running_word, with_digest=True) is Told.CANNOT_TELL


def test_a_link_is_told_as_the_file_that_it_leads_to(script: Path) -> None:
    link = script.with_name("link")
    link.symlink_to("deploy.sh")
    with running_script(SH, link) as folder:
        found = script_of(folder)
        assert isinstance(found, ProgramFile)
        assert found.path == str(script)


def test_a_script_that_changed_since_the_process_began_has_no_digest(script: Path) -> None:
    with running_script(SH, script) as folder:
        time.sleep(0.05)
        script.write_text(f"{WAITING}# more\n")
        found = script_of(folder)
        assert isinstance(found, ProgramFile)
        assert (found.path, found.sha256) == (str(script), "")
        assert Need.SCRIPT_DIGEST not in gathered(source_of(folder)).seen


@pytest.mark.parametrize("kind", ["fifo", "folder", "nothing", "loop", "device"])
def test_what_is_no_file_is_not_told_and_keeps_nobody_waiting(script: Path, kind: str) -> None:
    with running_script(SH, script) as folder:
        script.unlink()
        match kind:
            case "fifo":
                os.mkfifo(script)
            case "folder":
                script.mkdir()
            case "loop":
                script.symlink_to("deploy.sh")
            case "device":
                script.symlink_to("/dev/zero")
        assert script_of(folder) is Told.CANNOT_TELL
        assert not gathered(source_of(folder)).seen & {Need.SCRIPT, Need.SCRIPT_DIGEST}


@needs_root
def test_a_script_that_left_a_tmpfs_keeps_nobody_waiting(tmp_path: Path) -> None:
    # the kernel never remembers there that a name is not there
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    try:
        script = tmp_path / "deploy.sh"
        script.write_text(WAITING)
        with running_script(SH, script) as folder:
            script.unlink()
            source = source_of(folder)
            assert not gathered(source).seen & {Need.SCRIPT, Need.SCRIPT_DIGEST}
            script.write_text(WAITING)
            assert Need.SCRIPT in gathered(source_of(folder)).seen
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_program_that_runs_no_script_is_known_to_have_none() -> None:
    with running("/bin/cat") as folder:
        evidence = gathered(source_of(folder))
        assert evidence.script is None
        assert Need.SCRIPT in evidence.seen


def test_more_words_than_are_read_are_not_told(script: Path) -> None:
    with running_script(SH, script, "x" * 20_000) as folder:
        assert Need.SCRIPT not in gathered(source_of(folder)).seen


def test_a_large_script_is_read_by_somebody_else(script: Path) -> None:
    script.write_text(WAITING + "#" * (1 << 20))
    time.sleep(0.03)
    with running_script(SH, script) as folder:
        found = script_of(folder)
        assert isinstance(found, ProgramFile)
        assert found.sha256 == hashlib.sha256(script.read_bytes()).hexdigest()


@needs_root
def test_a_script_in_another_root_leads_nowhere_here(script: Path, tmp_path: Path) -> None:
    # the same path here is another file
    line = f"mount --bind {tmp_path} /mnt && cd /mnt && exec {SH} /mnt/deploy.sh"
    with running_script("unshare", "-m", "sh", "-c", line, until=Path(SH).name) as folder:
        until = time.monotonic() + 60
        while not isinstance(found := script_of(folder), ProgramFile):
            assert time.monotonic() < until
        assert (found.inode, found.is_there) == (script.stat().st_ino, False)

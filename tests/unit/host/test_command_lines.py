"""The script of an interpreter is told for the log, and no process can keep the daemon waiting by that."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from envfs.host.command_lines import CommandLines, script_of
from tests.system.home import eventually

WAIT = "import sys; print(flush=True); sys.stdin.read()"
PYTHON = str(Path("/proc/self/exe").readlink())


@pytest.mark.parametrize(
    ("words", "is_told"),
    [(("-I", "app.py", "t0p"), True), (("-c", WAIT, "app.py"), False), (("-I", "-X", "utf8", "app.py"), True)],
)
def test_a_script_is_told_and_code_is_not(tmp_path: Path, words: tuple[str, ...], is_told: bool) -> None:
    (tmp_path / "app.py").write_text(WAIT)
    command = [sys.executable, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout
        process.stdout.readline()
        assert script_of(process.pid, PYTHON) == (str(tmp_path / "app.py") if is_told else "")
        process.communicate()


def test_a_program_that_is_no_interpreter_is_not_asked() -> None:
    asked: list[int] = []
    lines = CommandLines(lambda pid, _executable: str(asked.append(pid)))
    assert lines.script(os.getpid(), 0, "/usr/bin/cat") == ""
    assert not asked


def test_a_process_that_lets_it_wait_costs_a_moment_and_the_same_user_twice_as_long_each_time() -> None:
    release = threading.Event()

    def read(pid: int, _executable: str) -> str:
        if pid == 1:
            release.wait(600)
        return f"/script/{pid}"

    lines = CommandLines(read)
    assert lines.script(1, 1000, PYTHON) == ""
    for _ in range(50):
        assert lines.script(2, 1000, PYTHON) == ""
        assert lines.script(3, 1001, PYTHON) == ""
    first, later = lines._silences[1000], time.monotonic() + 3600
    lines._be_silent(1000, later)
    assert lines._silences[1000].seconds == 2 * first.seconds
    release.set()
    eventually(lambda: not lines._is_busy, "it is read")
    assert lines.script(2, 1000, PYTHON) == ""
    eventually(lambda: lines.script(3, 1001, PYTHON) == "/script/3", "others are looked at")

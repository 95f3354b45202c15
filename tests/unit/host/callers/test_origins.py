"""Where a caller comes from is read from /proc: two scripts of one interpreter are told apart by it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envfs.core import origin
from envfs.core.access.caller import Caller
from envfs.core.origin import UNSEEN
from envfs.host.callers import origins
from envfs.host.callers.origins import Origins
from envfs.host.evidence.process_files import parse_stat
from envfs.host.evidence.program_files import ProgramFiles

WAIT = "import sys; print(flush=True); sys.stdin.read()"
EXECUTABLE = str(Path("/proc/self/exe").readlink())


def caller_of(pid: int) -> Caller:
    return Caller(os.getuid(), os.getgid(), pid, EXECUTABLE, "/system.slice/ci.service/worker")


def test_script_ancestors_session_and_unit_are_seen(tmp_path: Path) -> None:
    script = tmp_path / "agent.py"
    script.write_text(WAIT)
    starter = f"import subprocess, sys; subprocess.run([sys.executable, '-I', {str(script)!r}])"
    command = [sys.executable, "-c", starter]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout
        parent.stdout.readline()
        child = int(Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text(encoding="utf-8"))
        seen = Origins().look(caller_of(child))
        parent.communicate()
    assert (seen.unit, seen.session) == ("ci.service", parent.pid)
    assert seen.script in (str(script), "")  # on a busy machine it may take longer
    assert EXECUTABLE in seen.ancestors[0]
    assert len(seen.ancestors) > 1


@pytest.mark.parametrize(
    ("words", "is_told"),
    [
        (("-I", "app.py", "t0p"), True),
        (("-I", "-X", "utf8", "app.py"), True),
        (("-c", WAIT, "app.py"), False),
        (("-I", "-", "app.py"), False),
    ],
)
def test_a_script_is_told_and_code_is_not(tmp_path: Path, words: tuple[str, ...], is_told: bool) -> None:
    (tmp_path / "app.py").write_text(WAIT)
    command = [sys.executable, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdin
        assert process.stdout
        if "-" in words:
            process.stdin.write(WAIT.encode())
        else:
            process.stdout.readline()
        stat = parse_stat(Path(f"/proc/{process.pid}/stat").read_bytes())
        script = origins._script_of(ProgramFiles(), stat, EXECUTABLE)
        assert script == (str(tmp_path / "app.py") if is_told else "")
        assert origins._script_of(ProgramFiles(), stat, "/usr/bin/python") == ""
        assert origins._script_of(ProgramFiles(), stat._replace(started=0.5), EXECUTABLE) == ""
        process.communicate()
        assert origins._script_of(ProgramFiles(), stat, EXECUTABLE) == ""


def test_the_memory_of_a_program_that_is_no_interpreter_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Origins()
    monkeypatch.setattr(looks._reads, "read", lambda _uid, _work: "read")
    assert looks.look(caller_of(os.getpid())).script == "read"
    assert looks.look(caller_of(os.getpid())._replace(executable="/usr/bin/cat")).script == ""


def test_a_process_that_got_the_number_of_another_has_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, now = Origins(), time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    first = looks.look(caller_of(os.getpid()))
    looks._seen[os.getpid()] = looks._seen[os.getpid()]._replace(started=0.5, origin=first._replace(session=7))
    now += 2_000_000_000
    assert looks.look(caller_of(os.getpid())).session == 7  # the one that connected has ended, and this was its origin


def test_a_process_that_ended_keeps_its_origin_and_another_of_its_number_does_not() -> None:
    looks = Origins()
    with subprocess.Popen([sys.executable, "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        caller = caller_of(process.pid)
        seen = looks.look(caller)
        process.communicate()
    assert looks.look(caller) == seen
    assert looks.look(caller._replace(uid=54321)) == UNSEEN


def test_a_caller_that_was_not_identified_has_none() -> None:
    assert Origins().look(Caller(0, 0, os.getpid(), doubt="another namespace")) == UNSEEN


@pytest.mark.parametrize(
    ("executable", "command", "text"),
    [
        ("/usr/bin/bash", "bash", "/usr/bin/bash"),
        ("/usr/bin/node", "claude", "/usr/bin/node (claude)"),
        ("/usr/bin/a-very-long-name", "a-very-long-nam", "/usr/bin/a-very-long-name"),
        ("/usr/bin/x (deleted)", "x", "/usr/bin/x (deleted)"),
        ("", "sshd", "(sshd)"),
        ("", "", ""),
    ],
)
def test_an_ancestor_is_named_by_its_executable_and_another_name(executable: str, command: str, text: str) -> None:
    assert origin.ancestor(executable, command) == text

"""Where a caller comes from is read from /proc: two scripts of one interpreter are told apart by it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envfs.core import origin
from envfs.core.access.caller import Caller
from envfs.core.origin import UNSEEN
from envfs.host.origins import Origins

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


def test_a_process_that_ended_keeps_its_origin_and_another_of_its_number_does_not() -> None:
    origins = Origins()
    with subprocess.Popen([sys.executable, "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        caller = caller_of(process.pid)
        seen = origins.look(caller)
        process.communicate()
    assert origins.look(caller) == seen
    assert origins.look(caller._replace(uid=54321)) == UNSEEN


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

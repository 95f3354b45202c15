"""Where a caller comes from is read from /proc: two scripts of one interpreter are told apart by it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envfs.core import origin
from envfs.core.access.caller import Caller
from envfs.core.origin import UNSEEN
from envfs.host.callers import origins
from envfs.host.callers.origins import Origins
from envfs.host.evidence.process_files import parse_stat
from envfs.host.evidence.program_files import ProgramFiles
from tests.system.home import eventually

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


# A parent that starts a child for each line, and the programs of the chain above: each step says when it is there.
_SHELL = "while read -r line; do case $line in exec*) eval $line;; *) sleep 1000 & echo $!;; esac; done"


@contextlib.contextmanager
def chain() -> Iterator[tuple[Callable[[str], int], int]]:
    """Have a process with a child, a shell that starts a process for each line or becomes another program."""
    starter = "import os, sys\npid = os.fork()\nif not pid: os.execv('/bin/sh', ['sh', '-c', sys.argv[1]])\nos.wait()"
    command = [sys.executable, "-I", "-c", starter, _SHELL]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **streams, start_new_session=True) as top:  # type: ignore[call-overload]

        def ask(line: str) -> int:
            top.stdin.write(f"{line}\n")
            top.stdin.flush()
            return int(top.stdout.readline())

        try:
            yield ask, top.pid
        finally:
            os.killpg(top.pid, signal.SIGKILL)


def looks_at_a_standing_clock(monkeypatch: pytest.MonkeyPatch) -> tuple[Origins, list[int]]:
    clock = [time.monotonic_ns()]
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock[0])
    return Origins(), clock


def test_the_processes_above_a_parent_are_walked_once_for_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, clock = looks_at_a_standing_clock(monkeypatch)
    steps: list[int] = []
    walk = origins.walk_ancestors
    monkeypatch.setattr(
        origins, "walk_ancestors", lambda *words: (steps.append(at[1].pid) or at for at in walk(*words))
    )
    with chain() as (ask, top):
        first = looks.look(caller_of(ask("start")))
        walked = len(steps)
        again = looks.look(caller_of(ask("start")))
        assert (len(first.ancestors), walked, len(steps)) == (min(walked, 8), walked, walked + 1)
        assert first.ancestors == again.ancestors
        assert first.ancestors[1] == origin.ancestor(EXECUTABLE, Path(f"/proc/{top}/comm").read_text().rstrip("\n"))
        clock[0] += 1_000_000_000
        assert looks.look(caller_of(ask("start"))).ancestors == first.ancestors
        assert len(steps) == 2 * walked + 1


def test_a_parent_that_became_another_program_is_walked_from_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, _ = looks_at_a_standing_clock(monkeypatch)
    with chain() as (ask, _top):
        looks.look(caller_of(ask("start")))
        shell = next(iter(looks._above))
        looks._above[shell] = looks._above[shell]._replace(names=("of a moment ago",))
        assert looks.look(caller_of(ask("start"))).ancestors[1:] == ("of a moment ago",)
        reader = ask(
            f"exec {sys.executable} -I -c 'import subprocess, sys; "
            'print(subprocess.Popen(["sleep", "1000"]).pid, flush=True); sys.stdin.read()\''
        )
        seen = looks.look(caller_of(reader)).ancestors
        assert seen[0].startswith(EXECUTABLE)
        assert "of a moment ago" not in seen


def test_a_parent_whose_own_parent_ended_is_walked_from_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, _ = looks_at_a_standing_clock(monkeypatch)
    with chain() as (ask, top):
        first = looks.look(caller_of(ask("start"))).ancestors
        os.kill(top, signal.SIGKILL)
        shell = next(iter(looks._above))
        eventually(lambda: parse_stat(Path(f"/proc/{shell}/stat").read_bytes()).parent != top, "it has another parent")
        second = looks.look(caller_of(ask("start"))).ancestors
        assert (second[0], second[1:] == first[1:]) == (first[0], False)


def test_another_process_with_the_number_of_a_parent_has_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, _ = looks_at_a_standing_clock(monkeypatch)
    first = looks.look(caller_of(os.getpid()))
    parent = os.getppid()
    run = looks._above[parent].run
    looks._above[parent] = looks._above[parent]._replace(run=run._replace(started=0.5), names=("another",))
    looks._seen.clear()
    assert looks.look(caller_of(os.getpid())).ancestors == first.ancestors


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

"""One run of a program: seen from the first question to the last, and never taken for what the process became."""

import os
import subprocess
from pathlib import Path

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Evidence, Need
from envfs.host.evidence.unfinished import has_time
from tests.unit.host.evidence.running import (
    ALL,
    WAITING,
    gathered,
    needs_root,
    running,
    running_script,
    source_of,
    wait_for_program,
)

SH = str(Path("/bin/sh").resolve())
PROGRAM, SCRIPT, ANCESTORS = frozenset((Need.PROGRAM,)), frozenset((Need.SCRIPT,)), frozenset((Need.ANCESTORS,))


def become(process: "subprocess.Popen[bytes]", word: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(word + b"\n")
    process.stdin.flush()


def shell(*words: str) -> "subprocess.Popen[bytes]":
    """Start a shell that does what it is told by a line."""
    line = 'while read line; do eval "$line"; done'
    return subprocess.Popen([SH, "-c", line, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_all_is_told_of_a_process_that_stays_as_it_is() -> None:
    with running("/bin/cat") as folder:
        evidence = gathered(source_of(folder))
        assert evidence.seen >= ALL - {Need.PIDFD, Need.ANCESTOR_DIGESTS}
        assert evidence.groups == (1, 2)
        assert evidence.unit == "some.service"
        assert evidence.session == os.getsid(0)
        assert 0 <= evidence.exec_age < 20
        assert evidence.pidfd or Need.PIDFD not in evidence.seen


def test_nothing_is_told_that_nobody_asked_for() -> None:
    with running("/bin/cat") as folder:
        source = source_of(folder)
        assert not source.is_asked
        assert source.gather(frozenset()) == Evidence()
        assert gathered(source, PROGRAM).seen == PROGRAM
        assert source.is_asked
        assert gathered(source, {Need.SESSION}).seen == {Need.PROGRAM, Need.SESSION}


@pytest.mark.parametrize("asked", [PROGRAM, SCRIPT, ALL])
def test_a_process_that_became_another_program_is_another_run(asked: frozenset[Need]) -> None:
    process = shell()
    folder = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    wait_for_program(folder, Path(SH).name)
    source, later = source_of(folder), source_of(folder)
    evidence = gathered(source, asked)
    assert source.is_same_run()
    become(process, b"exec /bin/cat")
    wait_for_program(folder, "cat")
    assert not source.is_same_run()
    assert gathered(source).seen == evidence.seen
    assert gathered(source).program == evidence.program
    assert later.is_same_run()
    assert gathered(later).program != evidence.program
    process.communicate()
    os.close(folder)


def test_the_same_program_with_another_script_is_another_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f'echo {name}\nread line\neval "$line"\n')
    process = subprocess.Popen([SH, tmp_path / "one"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"one\n"
    folder = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    source, only_program = source_of(folder), source_of(folder)
    script = gathered(source, SCRIPT).script
    gathered(only_program, PROGRAM)
    become(process, b"exec %s %s/two" % (SH.encode(), os.fsencode(tmp_path)))
    assert process.stdout.readline() == b"two\n"
    assert not source.is_same_run()
    assert source.gather(ALL).script == script
    assert only_program.is_same_run()  # of that the same is true as before
    process.communicate()
    os.close(folder)


def test_the_same_program_and_script_run_again_is_another_run(tmp_path: Path) -> None:
    (tmp_path / "one").write_text('echo one\nread line\neval "$line"\n')
    process = subprocess.Popen([SH, tmp_path / "one"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"one\n"
    folder = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    source = source_of(folder)
    gathered(source, SCRIPT)
    become(process, b"exec %s %s/one" % (SH.encode(), os.fsencode(tmp_path)))
    assert process.stdout.readline() == b"one\n"
    assert not source.is_same_run()
    process.communicate()
    os.close(folder)


def test_another_session_is_another_run() -> None:
    process = shell()
    folder = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    wait_for_program(folder, Path(SH).name)
    source = source_of(folder)
    gathered(source, {Need.SESSION})
    become(process, b"exec setsid /bin/cat")
    wait_for_program(folder, "cat")
    assert not source.is_same_run()
    assert gathered(source_of(folder), {Need.SESSION}).session == process.pid
    process.communicate()
    os.close(folder)


def test_a_process_that_ended_tells_nothing_more() -> None:
    with running("/bin/cat") as folder:
        asked, fresh = source_of(folder), source_of(folder)
        evidence = gathered(asked, PROGRAM)
    assert asked.gather(ALL).program == evidence.program
    assert asked.gather(ALL).seen == PROGRAM
    assert not asked.is_same_run()
    assert not fresh.gather(PROGRAM).seen


def test_a_closed_source_reads_no_folder_of_that_number() -> None:
    with running("/bin/cat") as folder:
        source = source_of(folder)
        source.close()
        assert source.gather(ALL) == Evidence()


def test_an_opener_is_kept_as_it_was() -> None:
    with running("/bin/cat") as folder:
        source = source_of(folder)
        caller = Caller(1, 2, 3, source=source)
        assert source.kept_caller(caller) == caller._replace(source=None)
        evidence = gathered(source, PROGRAM)
        kept = source.kept_caller(caller)
        assert kept is source.kept
        assert kept == source.kept_caller(caller)
        gathered(source)
        assert kept.evidence(ALL) == evidence
        assert source.kept_caller(caller).evidence(ALL).seen > evidence.seen


def test_a_kept_age_stays_and_a_live_one_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("/bin/cat") as folder:
        source = source_of(folder)
        caller = Caller(1, 2, 3, source=source)
        gathered(source, {Need.AGE})
        kept = source.kept_caller(caller)
        age = kept.evidence({Need.AGE}).exec_age  # type: ignore[arg-type]
        monkeypatch.setattr("envfs.host.clocks.boot_seconds", lambda: 1e9)
        assert kept.evidence(frozenset()).exec_age == age
        assert source.gather(frozenset({Need.AGE})).exec_age > 1e8


@needs_root
def test_a_process_of_another_user_namespace_has_neither_program_nor_script(tmp_path: Path) -> None:
    (tmp_path / "one").write_text(WAITING)
    with running_script("unshare", "-Ur", SH, str(tmp_path / "one"), until=Path(SH).name) as folder:
        assert not gathered(source_of(folder)).seen & {Need.PROGRAM, Need.PROGRAM_DIGEST, Need.SCRIPT}


def test_one_who_has_no_time_does_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("envfs.host.evidence.digests._AT_ONCE", -1)
    (tmp_path / "one").write_text(WAITING)
    without = has_time.set(False)
    with running_script(SH, tmp_path / "one") as folder:
        assert source_of(folder).gather(frozenset({Need.PROGRAM, Need.PROGRAM_DIGEST})).seen == PROGRAM
        assert not source_of(folder).gather(SCRIPT).seen
    has_time.reset(without)

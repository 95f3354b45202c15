"""Who is calling: what /proc says of a process that waits, and a doubt where it says too little."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.core.access.caller import Caller
from envfs.core.access.evidence import Need
from envfs.host import clocks
from envfs.host.callers import callers, peers
from envfs.host.callers.callers import Callers

ME = (os.getpid(), os.geteuid(), os.getegid())
EXE = os.readlink("/proc/self/exe")


@pytest.fixture(params=["few", "many"])
def known(request: pytest.FixtureRequest) -> Iterator[Callers]:
    made = Callers()
    if request.param == "many":  # then nobody is looked at by a link that is open
        made._few = 0
    yield made
    made.close()


def sleeper(*, user: int | None = None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/bin/sleep", "60"], user=user)


def gone(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def test_the_own_process_is_known(known: Callers) -> None:
    caller = known.look(*ME)
    cgroup = Path("/proc/self/cgroup").read_text().rpartition("0::")[2].strip()
    assert (caller.uid, caller.gid, caller.pid, caller.doubt) == (ME[1], ME[2], ME[0], "")
    assert (caller.executable, caller.cgroup) == (EXE, cgroup)


def test_it_is_the_same_when_asked_again(known: Callers) -> None:
    assert known.look(*ME) == known.look(*ME)


@pytest.mark.parametrize("pid", [0, -1])
def test_a_caller_outside_the_process_namespace_is_in_doubt(known: Callers, pid: int) -> None:
    caller = known.look(pid, ME[1], ME[2])
    assert (caller.uid, caller.gid, caller.pid) == (ME[1], ME[2], 0)
    assert caller.doubt


def test_a_uid_without_a_number_here_is_in_doubt(known: Callers) -> None:
    assert known.look(ME[0], 65534, 65534).doubt


def test_a_dead_process_is_in_doubt(known: Callers) -> None:
    process = sleeper()
    pid = process.pid
    gone(process)
    caller = known.look(pid, ME[1], ME[2])
    assert caller.doubt
    assert (caller.uid, caller.pid, caller.executable) == (ME[1], pid, "")


def test_a_known_process_that_died_is_in_doubt_at_once(known: Callers) -> None:
    process = sleeper()
    assert not known.look(process.pid, *ME[1:]).doubt
    gone(process)
    assert known.look(process.pid, *ME[1:]).doubt


def test_a_zombie_is_in_doubt_or_without_an_executable(known: Callers) -> None:
    process = sleeper()
    known.look(process.pid, *ME[1:])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    caller = known.look(process.pid, *ME[1:])
    assert caller.doubt or not caller.executable
    process.wait()


def test_a_process_that_became_another_program_is_seen_as_that(known: Callers) -> None:
    reading, writing = os.pipe()
    code = "import os,sys; sys.stdin.read(1); os.execv('/bin/sleep', ['sleep', '60'])"
    with os.fdopen(writing, "wb") as start, os.fdopen(reading, "rb") as stdin:
        process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdin=stdin)
        while not known.look(process.pid, *ME[1:]).executable.endswith(os.path.basename(EXE)):
            time.sleep(0.005)
        start.write(b"x")
        start.flush()
        until = time.monotonic() + 60
        while os.path.basename(os.readlink(f"/proc/{process.pid}/exe")) == os.path.basename(EXE):
            assert time.monotonic() < until
            time.sleep(0.005)
        assert known.look(process.pid, *ME[1:]).executable == os.readlink(f"/proc/{process.pid}/exe")
    gone(process)


def test_a_uid_that_the_process_does_not_have_is_in_doubt(known: Callers) -> None:
    caller = known.look(ME[0], 4321, ME[2])
    assert caller.uid == 4321
    assert "uid" in caller.doubt


def test_a_doubt_about_one_uid_is_none_about_another(known: Callers) -> None:
    for _ in range(2):
        assert known.look(ME[0], 4321, ME[2]).doubt
        assert not known.look(*ME).doubt


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of other users")
def test_a_process_of_another_user_is_known_by_its_own_uid(known: Callers) -> None:
    process = sleeper(user=4321)
    assert not known.look(process.pid, 4321, 0).doubt
    assert known.look(process.pid, 0, 0).doubt  # a layered file system that asks as root for somebody else
    assert not known.look(process.pid, 4321, 0).doubt
    gone(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its uid")
def test_a_process_that_gave_its_uid_up_is_asked_about_by_the_new_one(known: Callers) -> None:
    reading, writing = os.pipe()
    done_reading, done_writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reading, 1)
        os.setresuid(4321, 4321, 4321)
        os.write(done_writing, b"x")
        time.sleep(60)
        os._exit(0)
    assert not known.look(child, 0, 0).doubt
    os.write(writing, b"x")
    os.read(done_reading, 1)
    assert not known.look(child, 4321, 0).doubt
    os.kill(child, 9)
    os.waitpid(child, 0)
    for descriptor in (reading, writing, done_reading, done_writing):
        os.close(descriptor)


def test_a_thread_is_known_by_its_own_number(known: Callers) -> None:
    import threading

    seen: list[Caller] = []
    thread = threading.Thread(target=lambda: seen.append(known.look(threading.get_native_id(), *ME[1:])))
    thread.start()
    thread.join()
    assert seen[0].executable == EXE
    assert seen[0].pid == ME[0]  # the process, which people know
    assert not seen[0].doubt


def test_the_one_at_the_other_end_of_a_socket_is_known(known: Callers) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peers.peer_caller(ours.getsockopt)[:6] == known.look(*ME)[:6]


def test_nothing_is_told_of_the_program_at_the_other_end_of_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        evidence = peers.peer_caller(ours.getsockopt).evidence(frozenset(Need))
    assert evidence.seen == {Need.GROUPS, Need.AGE, Need.SESSION, Need.UNIT, Need.PIDFD, Need.ANCESTORS}
    assert set(evidence.groups) == {os.getegid(), *os.getgroups()}
    assert (evidence.program, evidence.script) == (None, None)
    # by a path alone a rule can be told not to be met, and none lets anybody in
    assert not any(program.is_there or program.sha256 for program in evidence.ancestors)


def test_a_process_that_connected_and_ended_is_in_doubt(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        child = os.fork()
        if child == 0:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / "socket"))
            os._exit(0)
        os.waitpid(child, 0)
        with listener.accept()[0] as peer:
            assert peers.peer_caller(peer.getsockopt).doubt


def test_a_number_that_another_process_got_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        child = os.fork()
        if child == 0:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / "socket"))
            os._exit(0)
        os.waitpid(child, 0)
        monkeypatch.setattr(peers, "_credentials", lambda _: ME)
        with listener.accept()[0] as peer:
            assert peers.peer_caller(peer.getsockopt).doubt == "the process that connected has ended"


def test_an_opener_is_kept_without_what_nobody_asked(known: Callers) -> None:
    caller = known.look(*ME)
    assert callers.kept_caller(caller) == caller._replace(source=None)
    assert callers.kept_caller(caller) is callers.kept_caller(caller)
    evidence = caller.evidence(frozenset({Need.PROGRAM}))
    assert callers.kept_caller(caller).evidence(frozenset(Need)) == evidence
    assert callers.kept_caller(callers.own_caller()) == callers.own_caller()


def test_a_glance_believes_nothing_where_a_rule_asked_for_more(known: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    process, now = sleeper(), time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    known.look(process.pid, *ME[1:]).evidence(frozenset({Need.PROGRAM}))
    assert not known.glance(process.pid, *ME[1:]).doubt
    gone(process)
    assert known.glance(process.pid, *ME[1:]).doubt


def test_a_process_lives_from_its_start_to_its_end() -> None:
    process = sleeper()
    now = clocks.boot_seconds()
    assert callers.lived_at(process.pid, now)
    assert not callers.lived_at(process.pid, now - 100)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not callers.lived_at(process.pid, now)
    process.wait()
    assert not callers.lived_at(process.pid, now)


def test_looking_at_many_processes_keeps_few_descriptors_and_none_in_the_end() -> None:
    before = len(os.listdir("/proc/self/fd"))
    known = Callers()
    processes = [sleeper() for _ in range(3)]
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    for _ in range(20):
        for pid in [*pids, *range(1, 50), 1 << 30]:
            known.look(pid, *ME[1:])
    assert len(os.listdir("/proc/self/fd")) <= before + 194
    known.close()
    known.close()
    assert len(os.listdir("/proc/self/fd")) <= before
    for process in processes:
        gone(process)


def test_nothing_raises_whatever_the_number(known: Callers) -> None:
    for pid in (1, 2, 1 << 22, (1 << 31) - 1):
        known.look(pid, 1, 1)


def test_a_glance_believes_what_was_looked_at_a_moment_ago_and_no_longer(
    known: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, now = sleeper(), time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    seen = known.look(process.pid, *ME[1:])
    gone(process)
    assert known.glance(process.pid, *ME[1:]) == seen
    monkeypatch.setattr(time, "monotonic_ns", lambda: now + 2_000_000)
    assert known.glance(process.pid, *ME[1:]).doubt


def test_a_glance_at_the_user_alone_lasts_longer_and_not_for_long(
    known: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, now = sleeper(), time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    seen = known.look(process.pid, *ME[1:])
    assert known.glance_at_user(process.pid, 4321, ME[2]).doubt
    seen = known.look(process.pid, *ME[1:])
    gone(process)
    monkeypatch.setattr(time, "monotonic_ns", lambda: now + 15_000_000)
    assert known.glance_at_user(process.pid, *ME[1:]) == seen
    monkeypatch.setattr(time, "monotonic_ns", lambda: now + 25_000_000)
    assert known.glance_at_user(process.pid, *ME[1:]).doubt


def test_a_glance_at_one_uid_says_nothing_of_another(known: Callers) -> None:
    process = sleeper()
    assert not known.look(process.pid, *ME[1:]).doubt
    assert known.glance(process.pid, 4321, ME[2]).doubt
    gone(process)


def test_what_is_remembered_of_a_process_is_not_told_of_its_next_program_uid_or_number(known: Callers) -> None:
    # each change, right behind a look that was good: nothing of it may be told again
    steps, answers = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(steps[0], 0)
        os.dup2(answers[1], 1)
        code = "import os; os.read(0, 1); os.setresuid(4321, 4321, 4321); os.write(1, b'x'); os.read(0, 1)"
        words = [sys.executable, "-I", "-S", "-c", f"import os; os.write(1, b'x'); {code}"]
        os.execv(sys.executable, words)  # noqa: S606
    os.read(answers[0], 1)
    for _ in range(3):
        assert known.look(child, *ME[1:]).executable == EXE
    if os.geteuid() == 0:
        os.write(steps[1], b"x")
        os.read(answers[0], 1)
        for _ in range(2):
            seen = known.look(child, 4321, ME[2])
            assert (seen.uid, seen.doubt) == (4321, "")
            assert known.look(child, *ME[1:]).doubt  # its uid is not 0 any more, whatever was so a moment ago
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert known.look(child, *ME[1:]).doubt
    assert known.glance(child, *ME[1:]).doubt
    for descriptor in (*steps, *answers):
        os.close(descriptor)


def test_a_program_whose_file_was_replaced_or_removed_is_looked_at_again(known: Callers, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o700)
    process = subprocess.Popen([program, "60"])
    assert known.look(process.pid, *ME[1:]).executable == str(program)
    program.unlink()
    assert known.look(process.pid, *ME[1:]).executable == f"{program} (deleted)"
    program.write_bytes(b"another")
    assert known.look(process.pid, *ME[1:]).executable == f"{program} (deleted)"
    gone(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_process_that_may_not_be_looked_at_is_in_doubt_when_it_has_ended() -> None:
    process = sleeper()
    ended, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(4321, 4321, 4321)
        known = Callers()
        for _ in range(3):
            seen = known.look(process.pid, 0, 0)
            os.write(told[1], b"-" if (seen.executable, seen.doubt) == ("", "") else b"?")
        os.read(ended[0], 1)
        os.write(told[1], b"+" if known.look(process.pid, 0, 0).doubt else b"?")
        os._exit(0)
    assert os.read(told[0], 1) + os.read(told[0], 1) + os.read(told[0], 1) == b"---"
    gone(process)
    os.write(ended[1], b"x")
    assert os.read(told[0], 1) == b"+"
    os.waitpid(child, 0)
    for descriptor in (*ended, *told):
        os.close(descriptor)

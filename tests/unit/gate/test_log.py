"""The access log on the disk: an entry is in it before anything is served, and whatever happens to the file shows."""

import contextlib
import json
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.core.events import Served
from envfs.errors import AuditUnavailable, LogBroken, StoreUnavailable
from envfs.gate.audit_log import log_reading
from envfs.gate.audit_log.log import AccessLog

CALLER = Caller(1000, 1000, 42, "/usr/bin/python3")
REQUEST = AccessRequest("/shop", Channel.MOUNT, Format.DOTENV)
READ = events.read(REQUEST, Served(1), Verdict(Decision.ALLOW, "uid 1000 /"))
Open = Callable[[], AccessLog]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "access.jsonl"


@pytest.fixture
def open_log(path: Path) -> Iterator[Open]:
    """Give a function that opens the log; what was opened is closed at the end."""
    opened: list[AccessLog] = []

    def make() -> AccessLog:
        opened.append(AccessLog(path))
        return opened[-1]

    yield make
    for log in opened:
        log.close()


@contextlib.contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file of this process grow over `room` bytes: the nearest to a full disk that needs no disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def entries(path: Path) -> list[dict[str, object]]:
    return [body for _, body in audit.walk_chain(path.read_bytes().splitlines(keepends=True))]


def kill(log: AccessLog) -> None:
    """Let go of the file as a process that is killed does: nothing more is written."""
    log._file.close()


# -- writing and opening again -----------------------------------------------------------------------------------------


def test_a_log_begins_empty_private_and_well(open_log: Open, path: Path) -> None:
    log = open_log()
    assert (log.problem, log.look(), log.tip) == ("", "", Tip())
    assert path.read_bytes() == b""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_entry_is_in_the_file_when_append_returns(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    found = entries(path)
    assert [(body["event"], body["level"], body["uid"]) for body in found] == [("read", "/shop", 1000)]
    assert log.tip.seq == 1


def test_entries_follow_each_other_over_every_start(open_log: Open, path: Path) -> None:
    for start in range(1, 5):
        log = open_log()
        assert log.tip.seq == 3 * (start - 1)
        for _ in range(3):
            log.append(READ, CALLER)
        log.close()
        assert len(entries(path)) == 3 * start


def test_a_log_of_a_process_that_was_killed_goes_on(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    log.append(READ, CALLER)
    tip = log.tip
    kill(log)
    again = open_log()
    assert (again.problem, again.tip) == ("", tip)
    again.append(READ, CALLER)
    assert len(entries(path)) == 3


@pytest.mark.parametrize("kept", [1, 20, -1], ids=["one byte", "some bytes", "all but the line end"])
def test_an_entry_that_a_power_cut_left_half_written_is_dropped(open_log: Open, path: Path, kept: int) -> None:
    log = open_log()
    log.append(READ, CALLER)
    whole, tip = path.read_bytes(), log.tip
    log.append(READ, CALLER)
    second = path.read_bytes()[len(whole) :]
    kill(log)
    path.write_bytes(whole + second[:kept])
    again = open_log()
    assert (again.problem, again.tip) == ("", tip)
    assert path.read_bytes() == whole
    again.append(READ, CALLER)
    assert [(body["event"], body.get("rule")) for body in entries(path)[1:]] == [
        ("mend", "half an entry after entry 1 was dropped"),
        ("read", READ.rule),
    ]


def test_half_of_the_first_entry_is_dropped_too(open_log: Open, path: Path) -> None:
    kill(open_log())
    path.write_bytes(b'{"seq":1,"ti')
    log = open_log()
    assert (log.problem, log.tip) == ("", Tip())
    log.append(READ, CALLER)
    assert [body["event"] for body in entries(path)] == ["mend", "read"]


def test_closing_twice_is_closing_once(open_log: Open) -> None:
    log = open_log()
    log.append(READ, CALLER)
    log.close()
    log.close()


def test_no_descriptor_is_left(open_log: Open) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        log = open_log()
        log.append(READ, CALLER)
        log.newest(1)
        log.verify()
        log.close()
    assert len(os.listdir("/proc/self/fd")) <= before


# -- what happens to the file while it is open -------------------------------------------------------------------------


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


def renamed(path: Path) -> None:
    path.rename(path.with_name("aside"))


def linked(path: Path) -> None:
    path.rename(path.with_name("aside"))
    path.symlink_to("aside")


def shrunk(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"{}\n")


def folder_gone(path: Path) -> None:
    path.parent.rename(path.parent.with_name("aside"))


def read_only(path: Path) -> None:
    path.chmod(0o400)


HARMS = [deleted, replaced, renamed, linked, shrunk, emptied, grown, folder_gone, read_only]


@pytest.mark.parametrize("harm", HARMS)
def test_a_log_that_was_tampered_with_takes_no_entry_and_says_why(
    open_log: Open, path: Path, harm: Callable[[Path], None]
) -> None:
    log = open_log()
    log.append(READ, CALLER)
    harm(path)
    assert log.look()
    for _ in range(2):
        with pytest.raises(AuditUnavailable) as caught:
            log.append(READ, CALLER)
        assert "envfs log restart" in caught.value.hint
    assert log.problem == caught.value.text
    assert log.tip.seq == 1


@pytest.mark.parametrize("harm", HARMS)
def test_the_harm_is_found_without_anybody_looking_first(
    open_log: Open, path: Path, harm: Callable[[Path], None]
) -> None:
    log = open_log()
    log.append(READ, CALLER)
    harm(path)
    with pytest.raises(AuditUnavailable):
        log.append(READ, CALLER)


def test_a_log_that_was_read_only_for_a_while_goes_on(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    path.chmod(0o400)
    with pytest.raises(AuditUnavailable):
        log.append(READ, CALLER)
    path.chmod(0o600)
    assert log.look() == ""
    log.append(READ, CALLER)
    assert len(entries(path)) == 2


@pytest.mark.parametrize("harm", [deleted, emptied, grown])
def test_a_log_that_was_read_only_and_then_harmed_stays_refused(
    open_log: Open, path: Path, harm: Callable[[Path], None]
) -> None:
    log = open_log()
    log.append(READ, CALLER)
    path.chmod(0o400)
    with pytest.raises(AuditUnavailable):
        log.append(READ, CALLER)
    path.chmod(0o600)
    harm(path)
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            log.append(READ, CALLER)


def test_a_full_disk_takes_no_half_entry_and_the_log_goes_on_when_there_is_room(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    size = path.stat().st_size
    for room in (0, 1, 50):
        with full_disk(size + room):
            with pytest.raises(AuditUnavailable):
                log.append(READ, CALLER)
            assert path.stat().st_size == size
            assert log.problem
    log.append(READ, CALLER)
    assert log.problem == ""
    assert len(entries(path)) == 2


def test_a_full_disk_at_the_start_is_a_problem_and_no_exception(open_log: Open, path: Path) -> None:
    with full_disk(0):
        log = open_log()
        assert log.problem
        with pytest.raises(AuditUnavailable):
            log.append(READ, CALLER)


def test_a_full_disk_at_the_end_leaves_no_descriptor_and_a_log_that_opens(open_log: Open, path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    log = open_log()
    log.append(READ, CALLER)
    with full_disk(0):
        log.close()
    assert len(os.listdir("/proc/self/fd")) <= before
    again = open_log()
    assert again.problem == ""
    assert again.tip.seq == 1


# -- what happened to the file while nobody had it open ----------------------------------------------------------------


def written(open_log: Open, count: int = 3) -> None:
    log = open_log()
    for _ in range(count):
        log.append(READ, CALLER)
    log.close()


def last_line_gone(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def last_line_bent(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b"allow", b"alles")]))


def another_log(path: Path) -> None:
    path.write_bytes(audit.entry_line(Tip(), "2026-11-21T08:09:10.123456Z", READ, CALLER))


def end_bent(path: Path) -> None:
    path.with_name(path.name + ".end").write_text("x y z\n")


def end_is_binary(path: Path) -> None:
    path.with_name(path.name + ".end").write_bytes(b"\xff\xfe")


def foreign_entry_added(path: Path) -> None:
    with path.open("ab") as file:
        file.write(audit.entry_line(Tip(3, "0" * 64), "2026-11-21T08:09:10.123456Z", READ, CALLER))


def is_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm",
    [
        *(deleted, emptied, linked, last_line_gone, last_line_bent, another_log),
        *(end_bent, end_is_binary, foreign_entry_added, is_a_folder),
    ],
)
def test_a_log_that_is_not_the_one_that_was_left_is_not_gone_on_with(
    open_log: Open, path: Path, harm: Callable[[Path], None]
) -> None:
    written(open_log)
    harm(path)
    log = open_log()
    assert log.problem
    with pytest.raises(AuditUnavailable):
        log.append(READ, CALLER)


def test_a_forgotten_end_is_no_harm_for_a_whole_log(open_log: Open, path: Path) -> None:
    written(open_log)
    path.with_name(path.name + ".end").unlink()
    log = open_log()
    assert (log.problem, log.tip.seq) == ("", 3)


@pytest.mark.parametrize("place", range(3))
def test_a_line_bent_in_the_middle_is_found_at_the_latest_by_verify(open_log: Open, path: Path, place: int) -> None:
    written(open_log)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[place] = lines[place].replace(b"allow", b"ALLOW")
    path.write_bytes(b"".join(lines))
    log = open_log()
    if not log.problem:
        with pytest.raises(LogBroken, match=f"line {place + 2} of access.jsonl: entry {place + 1} was changed"):
            log.verify()


# -- beginning anew ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", HARMS)
def test_a_new_log_says_in_its_first_entry_what_was_lost(
    open_log: Open, path: Path, harm: Callable[[Path], None]
) -> None:
    log = open_log()
    log.append(READ, CALLER)
    lost = log.tip
    harm(path)
    there = path.exists()
    with contextlib.suppress(AuditUnavailable):
        log.append(READ, CALLER)
    aside = log.restart(CALLER)
    assert Path(aside).exists() if there else aside == ""
    assert log.look() == ""
    log.append(READ, CALLER)
    first, second = entries(path)
    assert (first["event"], first["rule"], first["uid"]) == ("restart", f"after entry 1 {lost.digest}", 1000)
    assert second["event"] == "read"
    log.close()
    assert open_log().problem == ""


def test_two_new_logs_keep_both_old_files(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    kept = [log.restart(CALLER), log.restart(CALLER)]
    assert len(set(kept)) == 2
    assert all(Path(name).exists() for name in kept)


def test_a_log_that_could_not_be_opened_can_begin_anew(open_log: Open, path: Path) -> None:
    written(open_log)
    last_line_gone(path)
    log = open_log()
    aside = log.restart(CALLER)
    assert len(Path(aside).read_bytes().splitlines()) == 2
    assert entries(path)[0]["rule"] != f"after entry 0 {'0' * 64}"
    log.append(READ, CALLER)


@pytest.mark.parametrize("room", [0, 50, 100], ids=["no room", "room for an empty log", "room for its end"])
def test_a_new_log_that_could_not_say_what_was_lost_takes_no_other_entry_first(
    open_log: Open, path: Path, room: int
) -> None:
    log = open_log()
    log.append(READ, CALLER)
    path.unlink()
    with full_disk(room):
        with pytest.raises((AuditUnavailable, StoreUnavailable)):
            log.restart(CALLER)
        with pytest.raises(AuditUnavailable):
            log.append(READ, CALLER)
    with contextlib.suppress(AuditUnavailable):
        log.append(READ, CALLER)  # there is room again
    assert [body["event"] for body in entries(path)][:1] != ["read"]


# -- reading and verifying ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "numbers"), [(0, [1, 2, 3, 4, 5]), (1, [5]), (3, [3, 4, 5]), (5, [1, 2, 3, 4, 5])])
def test_the_newest_lines_come_oldest_first(open_log: Open, count: int, numbers: list[int]) -> None:
    log = open_log()
    for _ in range(5):
        log.append(READ, CALLER)
    assert [json.loads(text)["seq"] for text in log.newest(count)] == numbers


def test_more_lines_than_there_are_is_all_of_them(open_log: Open) -> None:
    log = open_log()
    assert list(log.newest(10)) == []
    log.append(READ, CALLER)
    assert len(list(log.newest(10))) == 1


def test_the_newest_lines_of_a_long_log_are_found(open_log: Open) -> None:
    log = open_log()
    for _ in range(800):
        log.append(READ._replace(rule="x" * 300), CALLER)
    assert [json.loads(text)["seq"] for text in log.newest(500)] == list(range(301, 801))
    assert len(list(log.newest(0))) == 800


@pytest.mark.parametrize("ends", [b"", b"\n"])
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_any_number_of_newest_lines_of_any_files_is_what_a_list_would_give(
    open_log: Open, path: Path, kept: int, ends: bytes
) -> None:
    log = open_log()
    for _ in range(kept):
        log.append(READ._replace(rule="x" * 40_000), CALLER)
        log.append(READ, CALLER)
        log.rotate(CALLER)
    for length in (1, 65_000, 300, 60_000, 0, 64_000):
        log.append(READ._replace(rule="x" * length), CALLER)
    with path.open("ab") as file:
        file.write(b'{"half": 1' + ends)
    every = list(log_reading.newest_lines(path, 0))
    for count in range(1, len(every) + 3):
        assert list(log_reading.newest_lines(path, count)) == every[-count:]


def test_what_is_written_after_the_question_is_not_among_the_newest(open_log: Open) -> None:
    log = open_log()
    log.append(READ, CALLER)
    for count in (0, 1, 5):
        asked = log.newest(count)
        log.append(READ, CALLER)
        assert json.loads(list(asked)[-1])["seq"] == log.tip.seq - 1


def test_a_lost_log_cannot_be_read_or_verified(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    path.unlink()
    with pytest.raises(AuditUnavailable):
        next(log.newest(1))
    with pytest.raises(AuditUnavailable):
        log.verify()


def test_a_whole_log_is_verified_and_gives_its_checkpoints(open_log: Open) -> None:
    log = open_log()
    assert log.verify().points == ()
    log.append(READ, CALLER)
    tip = log.tip
    log.append_checkpoint(LoggedCheckpoint(*tip, "c2ln"))
    log.append(READ, CALLER)
    points = log.verify().points
    assert [(point.seq, point.digest, point.signature) for point in points] == [(1, tip.digest, "c2ln")]


def test_a_checkpoint_names_the_entry_that_it_signs_where_others_came_meanwhile(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    tip = log.tip
    log.append(READ, CALLER)
    log.append_checkpoint(LoggedCheckpoint(*tip, "c2ln"))
    assert [body["event"] for body in entries(path)] == ["read", "read", "checkpoint"]
    assert [point[:3] for point in log.verify().points] == [(1, tip.digest, "c2ln")]


def test_a_log_cut_behind_our_back_does_not_verify(open_log: Open, path: Path) -> None:
    log = open_log()
    for _ in range(3):
        log.append(READ, CALLER)
    last_line_gone(path)
    with pytest.raises(LogBroken, match="entry 2"):
        log.verify()


def test_sync_is_wanted_once_after_entries(open_log: Open) -> None:
    log = open_log()
    assert not log.unsynced
    log.append(READ, CALLER)
    assert log.unsynced
    log.sync()
    assert not log.unsynced


# -- a disk that is really full ----------------------------------------------------------------------------------------

_FULL = """
import subprocess, sys
from pathlib import Path
from envfs.core.audit import walk_chain
from envfs.core.events import Event, EventKind, Served
from envfs.errors import AuditUnavailable
from envfs.gate.audit_log import log_reading
from envfs.gate.audit_log.log import AccessLog
base = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "envfs-test", base], check=True)
log = AccessLog(base / "access.jsonl")
count = 0
try:
    while True:
        log.append(Event(EventKind.READ, rule="x" * 100), None)
        count += 1
except AuditUnavailable as error:
    problem = error.text
lines = (base / "access.jsonl").read_bytes().splitlines(keepends=True)
whole = len(list(walk_chain(lines)))
(base / "access.jsonl.end").unlink(missing_ok=True)
log.append(Event(EventKind.READ), None)
print(count == whole > 5, "no space" in problem, log.look() == "")
"""


def test_on_a_disk_that_is_really_full_every_entry_is_whole(tmp_path: Path) -> None:
    wrap = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    command = [*wrap, sys.executable, "-c", _FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr and "Operation not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")


def test_entries_reach_the_disk_with_sync_and_a_failure_is_never_forgotten(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, synced = open_log(), []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    log.append(READ, CALLER)
    log.sync()
    log.sync()
    assert synced == [log._file._handle]

    def fail(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        log.append(READ, CALLER)
        log.sync()
    assert "disk" in log.problem
    for _ in range(2):  # a later sync that succeeds proves nothing of what was lost
        log.sync()
        with pytest.raises(AuditUnavailable):
            log.append(READ, CALLER)


def test_an_entry_is_on_the_disk_though_a_thread_puts_it_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread may have taken the line for its own; then its end is waited for."""
    log = AccessLog(tmp_path / "access.jsonl")
    log.append(READ, None)
    begun, may_end, done = threading.Event(), threading.Event(), list[str]()

    def fdatasync(_handle: int) -> None:
        begun.set()
        assert may_end.wait(60)
        done.append("on the disk")

    def wait_for_it() -> None:
        log.sync()
        done.append("told")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    other, second = threading.Thread(target=log.sync), threading.Thread(target=wait_for_it)
    other.start()
    assert begun.wait(60)
    second.start()
    second.join(0.2)  # time to go past the other one, if it were let
    may_end.set()
    other.join(60)
    second.join(60)
    assert done == ["on the disk", "told"]
    log.close()


def test_after_a_sync_that_failed_in_a_thread_nobody_is_told_that_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog(tmp_path / "access.jsonl")
    log.append(READ, None)

    def fail(_handle: int) -> None:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(OSError, match="input/output"):
            log._file.sync()
    with pytest.raises(OSError, match="input/output"):
        log._file.sync()
    log.sync()
    assert "cannot be put on the disk" in log.problem
    log.close()


def test_an_entry_that_no_reader_would_take_is_not_written(open_log: Open, path: Path) -> None:
    log = open_log()
    log.append(READ, CALLER)
    before = path.read_bytes()
    with pytest.raises(AuditUnavailable, match="too large"):
        log.append(READ._replace(rule="x" * 70_000), CALLER)
    assert path.read_bytes() == before
    log.append(READ, CALLER)
    assert len(path.read_bytes().splitlines()) == 2 + before.count(b"\n") - 1


@pytest.mark.parametrize("sign", ["a", '"', "\u20ac"])
def test_what_a_client_of_a_proxy_sends_makes_no_line_that_is_too_long(open_log: Open, sign: str) -> None:
    log = open_log()
    for event in (
        events.forwarded(REQUEST, sign * 65_000, "shop: host" + sign * 65_000, Decision.ALLOW),
        events.forward_refused(REQUEST, sign * 65_000, "host" + sign * 65_000),
    ):
        assert b"host" in log.append(event, CALLER)

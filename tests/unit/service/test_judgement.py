"""What is said of what was seen: a table for each check, from the best case to the worst."""

import pytest

from envfs.core.protection import MemoryKind, Protection
from envfs.host.machine import Swap
from envfs.protocol.control import FindingRow
from envfs.service.doctor import judgement

GOOD = Protection(
    *(MemoryKind.SECRET, ""),
    core_dumps=False,
    dumpable=False,
    no_new_privs=True,
    landlock=6,
    seccomp=True,
    no_seccomp="",
)
TOO_SMALL = "at most 64 KiB may be locked (RLIMIT_MEMLOCK)"


def found(daemon: Protection = GOOD, keyholder: Protection = GOOD) -> dict[str, FindingRow]:
    rows = list(judgement.judge_processes(daemon, keyholder))
    assert len({row.check for row in rows}) == len(rows) == 7
    return {row.check: row for row in rows}


def test_where_all_is_in_force_all_is_ok() -> None:
    assert {row.state for row in found().values()} == {"ok"}


CHANGES = {
    "views in locked memory": ("views", {"memory": MemoryKind.LOCKED, "memory_reason": "no memfd_secret"}, {}, "note"),
    "keys in locked memory": ("keys", {}, {"memory": MemoryKind.LOCKED, "memory_reason": "no memfd_secret"}, "note"),
    "views unlocked": ("views", {"memory": MemoryKind.UNLOCKED, "memory_reason": TOO_SMALL}, {}, "problem"),
    "keys unlocked": ("keys", {}, {"memory": MemoryKind.UNLOCKED, "memory_reason": TOO_SMALL}, "problem"),
    "the daemon dumps": ("core dumps", {"core_dumps": True}, {}, "problem"),
    "the keyholder dumps": ("core dumps", {}, {"core_dumps": True}, "problem"),
    "the daemon can be traced": ("tracing", {"dumpable": True}, {}, "problem"),
    "the keyholder can be traced": ("tracing", {}, {"dumpable": True}, "problem"),
    "the daemon may gain privileges": ("privileges", {"no_new_privs": False}, {}, "note"),
    "the keyholder may": ("privileges", {}, {"no_new_privs": False}, "problem"),
    "no landlock": ("landlock", {}, {"landlock": 0}, "note"),
    "no libseccomp": ("seccomp", {}, {"seccomp": False, "no_seccomp": "libseccomp.so.2 is not installed"}, "problem"),
    "no filter": ("seccomp", {}, {"seccomp": False, "no_seccomp": "the filter is refused: invalid argument"}, "note"),
    "another's filter": ("seccomp", {}, {"seccomp": True, "no_seccomp": "libseccomp.so.2 is not installed"}, "problem"),
}


@pytest.mark.parametrize(("check", "of_daemon", "of_keyholder", "state"), CHANGES.values(), ids=CHANGES)
def test_what_is_missing_changes_its_own_finding_alone(
    check: str, of_daemon: dict[str, object], of_keyholder: dict[str, object], state: str
) -> None:
    rows = found(GOOD._replace(**of_daemon), GOOD._replace(**of_keyholder))
    assert {name: row.state for name, row in rows.items() if row.state != "ok"} == {check: state}
    assert rows[check].hint or state == "note"


def test_the_reason_is_told_and_the_hint_fits_it() -> None:
    small = found(GOOD._replace(memory=MemoryKind.UNLOCKED, memory_reason=TOO_SMALL))["views"]
    assert small.text.endswith(TOO_SMALL)
    assert "ulimit -l" in small.hint
    old = found(GOOD._replace(memory=MemoryKind.LOCKED, memory_reason="the kernel has no memfd_secret"))["views"]
    assert "Linux 5.14" in old.hint


SAFE, UNSAFE = Swap("/dev/zram0", safe=True), Swap("/dev/sda3", safe=False)


@pytest.mark.parametrize(
    ("finding", "state", "words"),
    [
        (judgement.judge_swap(()), "ok", "none"),
        (judgement.judge_swap((SAFE,)), "ok", "encrypted"),
        (judgement.judge_swap((SAFE, UNSAFE)), "note", "/dev/sda3 may receive"),
        (judgement.judge_lockable(None), "ok", "any amount"),
        (judgement.judge_lockable(8 << 20), "ok", "8192 KiB"),
        (judgement.judge_lockable(64 << 10), "note", "only 64 KiB"),
        (judgement.judge_hibernation(possible=False, kind=MemoryKind.LOCKED), "ok", "cannot"),
        (judgement.judge_hibernation(possible=True, kind=MemoryKind.SECRET), "note", "the kernel refuses"),
        (judgement.judge_hibernation(possible=True, kind=MemoryKind.LOCKED), "note", "views too"),
        (judgement.judge_fuse(""), "ok", "can be used"),
        (judgement.judge_fuse("no such file or directory"), "problem", "no such file"),
        (judgement.judge_fuse("permission denied"), "problem", "permission denied"),
        (judgement.judge_fusermount("it is not installed", needed=False), "ok", "not needed"),
        (judgement.judge_fusermount("it is not installed", needed=True), "problem", "not installed"),
        (judgement.judge_fusermount("", needed=True), "ok", "setuid"),
        (judgement.judge_pyfuse3(""), "ok", "loaded"),
        (judgement.judge_pyfuse3("ImportError: libfuse3.so.3"), "problem", "libfuse3.so.3"),
    ],
)
def test_the_machine_is_judged_by_what_was_seen(finding: FindingRow, state: str, words: str) -> None:
    assert finding.state == state
    assert words in finding.text
    assert finding.hint or state != "problem"


def test_hints_about_fuse_say_what_works_without() -> None:
    assert "exec, get and export work without it" in judgement.judge_fuse("permission denied").hint
    assert "chmod" in judgement.judge_fuse("permission denied").hint
    assert "modprobe" in judgement.judge_fuse("no such device").hint

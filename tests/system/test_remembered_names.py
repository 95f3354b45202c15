"""A user's own mount, where the kernel remembers names: never longer than a look-up would have the same answer.

Each test has a process look at the paths all the time, so that the kernel knows them at the moment of the change.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.crashing import STRACE
from tests.system.home import OWNER, Home, as_user, eventually
from tests.system.onlooker import Onlooker, looking
from tests.system.test_warm_reads import calls_of

STAT = shutil.which("stat") or "/usr/bin/stat"
_READS = 200
_LINUX = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
_WATCHER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
watcher = libc.inotify_init1(0)
assert libc.inotify_add_watch(watcher, os.fsencode(sys.argv[1]), 0x2) > 0
print("watching", flush=True)
os.read(watcher, 4096)
print("told", flush=True)
"""


@pytest.fixture(scope="module")
def own(user_home: Home) -> Iterator[Home]:
    """Give a user's home with some levels, mounted by itself."""
    for level in ("/shop", "/shop/prod", "/old", "/blog"):
        user_home.envfs("import", "-", level, given="FIRST=1\nSECOND=2\n")
    with user_home.mounted():
        yield user_home


@pytest.fixture(scope="module")
def seen(own: Home) -> Iterator[Onlooker]:
    """Give somebody who looks at all of it, all the time."""
    names = (".env", ".env.json", ".vars/FIRST", ".vars/SECOND", ".history/1")
    levels = ("shop", "shop/prod", "old", "blog")
    with looking(OWNER, [own.mnt / level / name for level in levels for name in names]) as onlooker:
        eventually(lambda: onlooker.attempt("read", own.view("/shop/prod")).how == "ok", "a first read")
        yield onlooker


@pytest.mark.skipif(not STRACE, reason="needs strace")
@pytest.mark.skipif(_LINUX < (6, 16), reason="this kernel cannot be made to forget names at once")
def test_an_open_behind_another_one_needs_no_look_up(own: Home, tmp_path: Path) -> None:
    folder, view = tmp_path / "calls", own.view("/shop/prod")
    script = f"import os\nfor _ in range({_READS}): os.close(os.open({str(view)!r}, os.O_RDONLY))"
    with calls_of(own.daemon().pid, folder) as counted:
        subprocess.run([*as_user(OWNER), sys.executable, "-I", "-S", "-c", script], check=True)
    answers = sum(times for (name, about), times in counted.items() if "write" in name and about == "/dev/fuse")
    assert answers >= 2 * _READS  # each open, and each release
    assert answers < 4 * _READS  # there would be three look-ups to each beside them
    reads = [entry for entry in own.log() if entry["event"] == "read" and entry["level"] == "/shop/prod"]
    assert len(reads) >= _READS  # each open has its entry all the same


def test_a_change_is_seen_by_its_name_at_once(own: Home, seen: Onlooker) -> None:
    for number in range(4):
        text = f"v{number}" * (5 - number)  # shorter each time, so that it is another inode
        own.envfs("set", "/shop", "FIRST", given=text)
        assert seen.attempt("stat", own.mnt / "shop" / ".vars" / "FIRST").found == len(text)
        assert seen.attempt("read", own.view("/shop/prod")).found == seen.attempt("read", own.view("/shop/prod")).found
        size = seen.attempt("stat", own.view("/shop")).found
        assert size == len(str(seen.attempt("read", own.view("/shop")).found))
        assert f"FIRST={text}\n" in str(seen.attempt("read", own.view("/shop")).found)


def test_a_variable_that_was_taken_out_has_no_name_any_more(own: Home, seen: Onlooker) -> None:
    path = own.mnt / "blog" / ".vars" / "SECOND"
    assert seen.attempt("stat", path).how == "ok"
    own.envfs("unset", "/blog", "SECOND")
    assert seen.attempt("stat", path).how == "ENOENT"
    own.envfs("set", "/blog", "SECOND", given="2")
    assert seen.attempt("stat", path).how == "ok"


def test_a_level_that_was_removed_or_moved_is_not_there_any_more(own: Home, seen: Onlooker) -> None:
    own.envfs("mv", "/old", "/newer")
    assert [seen.attempt("stat", path).how for path in (own.mnt / "old", own.view("/old"))] == ["ENOENT"] * 2
    assert seen.attempt("stat", own.view("/newer")).how == "ok"
    own.envfs("mv", "/newer", "/old")
    assert seen.attempt("stat", own.view("/old")).how == "ok"
    own.envfs("rm", "/old", "--yes")
    assert [seen.attempt("stat", path).how for path in (own.mnt / "old", own.view("/old"))] == ["ENOENT"] * 2


def test_a_version_that_was_forgotten_is_not_there_any_more(own: Home, seen: Onlooker) -> None:
    own.envfs("set", "/blog", "SECOND", given="another")
    path = own.mnt / "blog" / ".history" / "1"
    assert seen.attempt("stat", path).how == "ok"
    own.envfs("forget", "/blog", "--yes")
    assert seen.attempt("stat", path).how == "ENOENT"


def test_a_lock_counts_for_names_as_well(own: Home, seen: Onlooker) -> None:
    assert seen.attempt("stat", own.view("/shop")).how == "ok"
    own.envfs("lock")
    assert seen.attempt("stat", own.view("/shop")).how == "ENOKEY"
    own.envfs("unlock")
    assert seen.attempt("stat", own.view("/shop")).how == "ok"


def test_a_lock_of_one_project_does_too(own: Home, seen: Onlooker) -> None:
    passphrase = own.path.with_name("safe.txt")
    passphrase.write_text("correct horse battery staple\n", encoding="utf-8")
    os.chown(passphrase, OWNER, OWNER)
    passphrase.chmod(0o600)
    own.envfs("project", "new", "safe", "--zero-knowledge", "-y", "--passphrase-file", str(passphrase))
    own.envfs("set", "/safe", "FIRST", given="1")
    with looking(OWNER, [own.view("/safe")]) as onlooker:
        assert onlooker.attempt("stat", own.view("/safe")).how == "ok"
        own.envfs("lock", "safe")
        assert onlooker.attempt("stat", own.view("/safe")).how == "ENOKEY"
        assert onlooker.attempt("stat", own.view("/shop")).how == "ok"


def test_a_rule_and_its_revocation_count_for_names_at_once(own: Home, seen: Onlooker) -> None:
    for _ in range(3):
        assert seen.attempt("stat", own.view("/shop/prod")).how == "ok"
        own.envfs("grant", "/shop/prod", "--uid", str(OWNER), "--decision", "deny")
        assert seen.attempt("stat", own.view("/shop/prod")).how == "EACCES"
        own.envfs("revoke", "/shop/prod", "--uid", str(OWNER))
        assert seen.attempt("stat", own.view("/shop/prod")).how == "ok"


def test_no_name_is_seen_behind_the_end_of_its_rule(own: Home, seen: Onlooker) -> None:
    own.envfs("grant", "/shop", "--uid", str(OWNER), "--decision", "deny")
    own.envfs("grant", "/shop/prod", "--uid", str(OWNER), "--ttl", "2s")
    end = _boot_seconds() + 2
    while _boot_seconds() <= end:
        seen.attempt("stat", own.view("/shop/prod"))
    assert seen.attempt("stat", own.view("/shop/prod")).how == "EACCES"
    own.envfs("revoke", "/shop", "--uid", str(OWNER))
    assert seen.attempt("stat", own.view("/shop/prod")).how == "ok"


def test_a_rule_that_is_written_by_hand_counts_for_names(own: Home, seen: Onlooker) -> None:
    before = own.settings.read_text(encoding="utf-8")
    assert seen.attempt("stat", own.view("/shop/prod")).how == "ok"
    own.edit_settings(f'{before}\n[[grant]]\nlevel = "/shop/prod"\nuid = {OWNER}\ndecision = "deny"\n')
    eventually(lambda: seen.attempt("stat", own.view("/shop/prod")).how == "EACCES", "the rule counts")
    for _ in range(20):
        assert seen.attempt("stat", own.view("/shop/prod")).how == "EACCES"
    own.settings.chmod(0o666)  # which nobody trusts
    eventually(lambda: seen.attempt("stat", own.view("/shop")).how == "EACCES", "nothing is trusted")
    own.settings.chmod(0o600)
    own.edit_settings(before)
    eventually(lambda: seen.attempt("stat", own.view("/shop/prod")).how == "ok", "all is as before")


def test_where_a_rule_names_a_program_nothing_is_remembered(own: Home, seen: Onlooker) -> None:
    words = [*as_user(OWNER), STAT, "-c", "%s", str(own.view("/shop/prod"))]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 0
    own.envfs("grant", "/shop/prod", "--exe", STAT, "--decision", "deny")
    for _ in range(10):  # while the other one, whom the rule is not about, looks all the time
        assert subprocess.run(words, check=False, capture_output=True).returncode == 1
        assert seen.attempt("stat", own.view("/shop/prod")).how == "ok"
    own.envfs("revoke", "/shop/prod", "--exe", STAT)
    assert subprocess.run(words, check=False, capture_output=True).returncode == 0


def test_a_watch_is_told_though_the_way_to_the_file_is_remembered(own: Home, seen: Onlooker) -> None:
    for path in (own.view("/shop"), own.mnt / "shop"):
        words = [*as_user(OWNER), sys.executable, "-I", "-S", "-c", _WATCHER, str(path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watcher:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == "watching\n"
            own.envfs("set", "/shop", "FIRST", given=str(time.monotonic()))
            assert watcher.stdout.readline() == "told\n"


def _boot_seconds() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)

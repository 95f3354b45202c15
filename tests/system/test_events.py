"""Editors, dev servers and watchers see a real change exactly once on every open watch, and reading is no change."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.system.home import OWNER, SECONDS, Daemon, Home, alive, as_user, eventually
from tests.system.probing import attempt, attempts
from tests.system.samples import SHOP_TEXT
from tests.system.watchers import ATTRIB, MODIFY, QUIET, Inotify, Library, Seen, wait_for, writer

_FILE, _IN_FOLDER = Seen(MODIFY), Seen(MODIFY, ".env")
_WATCHER = """
import ctypes, os, sys
handle = ctypes.CDLL(None).inotify_init1(0)
assert ctypes.CDLL(None).inotify_add_watch(handle, sys.argv[1].encode(), 0xfce) > 0
print("ready", flush=True)
data = os.read(handle, 999)
print(int.from_bytes(data[4:8], sys.byteorder), len(data), flush=True)
"""


@pytest.fixture
def prod(served: tuple[Home, Daemon]) -> Home:
    """Give one test a mount on which the views were looked at."""
    home, _ = served
    for level in ("/", "/shop", "/shop/prod"):
        home.view(level).read_bytes()
    return home


def _wait_for_both(on_file: Inotify, on_folder: Inotify, count: int) -> None:
    # the kernel makes one of two equal events of which nobody has read the first
    for watcher in (on_file, on_folder):
        wait_for(watcher.seen, count)


def _counts(watchers: Sequence[Inotify], *counts: int) -> bool:
    """Wait until each has seen so many, and a moment; tell whether none has seen more."""
    for watcher, count in zip(watchers, counts, strict=True):
        wait_for(watcher.seen, count)
    time.sleep(QUIET)
    return [len(watcher.seen) for watcher in watchers] == list(counts)


def test_a_hundred_changes_are_a_hundred_events_for_each_watcher(prod: Home) -> None:
    file = prod.view("/shop/prod")
    with Inotify(file) as on_file, Inotify(file.parent) as on_folder, Library(file.parent) as library:
        with writer(prod.socket) as write:
            for number in range(1, 101):
                write.set("/shop/prod", "COUNT", str(number))
                _wait_for_both(on_file, on_folder, number)
                wait_for(library.changed, number)
        assert on_file.wait(100) == [_FILE] * 100
        assert on_folder.seen == [_IN_FOLDER] * 100
        assert library.changed == [f"modified {str(file)!r}"] * 100


def test_by_the_time_of_its_event_everything_is_new(prod: Home) -> None:
    file = prod.view("/shop/prod")
    before = file.stat()
    with Inotify(file) as watcher, writer(prod.socket) as write:
        for number in range(1, 21):
            write.set("/shop/prod", "COUNT", "x" * number)
            wait_for(watcher.seen, number)
            after = file.stat()
            text = file.read_text()
            assert f"COUNT={'x' * number}\n" in text
            assert (after.st_size, after.st_mtime_ns > before.st_mtime_ns) == (len(text.encode()), True)
            before = after


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.soak)])
def test_a_thousand_reads_are_no_event(prod: Home, times: int) -> None:
    file = prod.view("/shop/prod")
    with Inotify(file) as on_file, Inotify(file.parent) as on_folder, Library(file.parent) as library:
        for _ in range(300 * times):
            file.read_bytes()
            file.stat()
            os.listdir(file.parent)
        subprocess.run(
            ["sh", "-c", f"for i in $(seq {10 * times}); do ls -la {file.parent}; done"], check=True, timeout=SECONDS
        )
        for _ in range(100 * times):
            os.access(file, os.R_OK)
        time.sleep(QUIET)
        assert on_file.seen == on_folder.seen == library.changed == []


@pytest.mark.parametrize("uid", [0, OWNER])
def test_nobody_else_can_touch_a_file_and_trying_is_no_event(prod: Home, uid: int) -> None:
    prod.envfs("grant", "/", "--uid", str(OWNER))
    file = prod.view("/shop/prod")
    with Inotify(file) as on_file, Inotify(file.parent) as on_folder:
        wishes = [(what, path) for what in ("truncate", "utime", "chmod") for path in (file, file.parent)]
        tried = attempts(uid, [wish for wish in wishes if wish != ("truncate", file.parent)])
        # that the mode allows nobody to write the kernel says by itself, but to root
        assert {ended.how for ended in tried} <= ({"EROFS"} if uid == 0 else {"EROFS", "EACCES"})
        stop, refused = threading.Event(), []

        def try_on() -> None:
            while not stop.is_set():
                refused.append(attempt(uid, "utime", file).how)

        stranger = threading.Thread(target=try_on)
        stranger.start()
        with writer(prod.socket) as write:
            for number in range(1, 21):
                write.set("/shop/prod", "COUNT", str(number))
                _wait_for_both(on_file, on_folder, number)
        stop.set()
        stranger.join()
        assert set(refused) == {"EROFS"}
        assert on_file.wait(20) == [_FILE] * 20
        assert on_folder.seen == [_IN_FOLDER] * 20


def test_what_changes_nothing_for_a_reader_is_no_event_and_no_new_time(prod: Home) -> None:
    file = prod.view("/shop/prod")
    text = prod.envfs("export", "/shop/prod").text
    before = file.stat().st_mtime_ns
    with Inotify(file) as watcher, writer(prod.socket) as write:
        write.set("/shop/prod", "S3_BUCKET", "crane-shop-prod")
        write.set("/shop", "S3_BUCKET", "another one, that prod overrides")
        prod.envfs("key", "rotate", "shop")
        prod.envfs("lock")
        prod.envfs("unlock")
        write.set("/shop", "S3_BUCKET", "and another")
        assert watcher.wait(0) == []
        assert file.read_text() == text
        assert file.stat().st_mtime_ns == before
        write.set("/shop/prod", "S3_BUCKET", "new")
        assert watcher.wait(1) == [_FILE]


def test_a_change_above_is_one_event_at_each_level_that_sees_it(prod: Home) -> None:
    prod.envfs("import", "-", "/blog", given="TITLE=blog\nTZ_NAME=UTC\n")
    views = [prod.view(level) for level in ("/", "/shop", "/shop/prod")]
    prod.view("/blog").read_bytes()
    with ExitStack() as stack, writer(prod.socket) as write:
        elsewhere, top, middle, bottom = (stack.enter_context(Inotify(view)) for view in (prod.view("/blog"), *views))
        write.set("/", "TZ_NAME", "Europe/Paris")
        assert _counts([elsewhere, top, middle, bottom], 0, 1, 1, 1)
        write.set("/shop", "APP_NAME", "shop, renamed")
        assert _counts([elsewhere, top, middle, bottom], 0, 1, 2, 2)
        assert bottom.seen == middle.seen == [_FILE] * 2


def test_who_watches_a_folder_needs_not_have_looked_at_the_file(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    with Inotify(home.mnt / "shop") as watcher, Inotify(home.mnt) as top, writer(home.socket) as write:
        write.set("/shop", "APP_NAME", "renamed")
        assert watcher.wait(1) == [_IN_FOLDER]
        write.set("/", "TZ_NAME", "UTC")
        assert watcher.wait(2) == [_IN_FOLDER] * 2
        assert top.wait(1) == [_IN_FOLDER]


def test_each_file_of_a_level_has_an_event_when_that_very_file_changed(prod: Home) -> None:
    folder = prod.view("/shop/prod").parent
    names = (".env", ".env.json", ".environ", ".env.example", ".vars/S3_BUCKET", ".vars/APP_ENV")
    texts = [(folder / name).read_bytes() for name in names]
    with ExitStack() as stack, writer(prod.socket) as write:
        on_file = [stack.enter_context(Inotify(folder / name)) for name in names]
        on_folder = stack.enter_context(Inotify(folder))
        write.set("/shop/prod", "S3_BUCKET", "another")
        assert _counts([*on_file, on_folder], 1, 1, 1, 0, 1, 0, 3)
        assert [(folder / name).read_bytes() != text for name, text in zip(names, texts, strict=True)] == [
            len(watcher.seen) == 1 for watcher in on_file
        ]
        assert sorted(event.name for event in on_folder.seen) == [".env", ".env.json", ".environ"]
        write.set("/shop/prod", "NEW", "1")
        assert _counts(on_file, 2, 2, 2, 1, 1, 0)


def test_a_path_that_shows_each_user_another_text_is_one_event_in_its_folder(prod: Home) -> None:
    prod.envfs("grant", "/shop", "--uid", "1002", "--dialect", "node")
    prod.envfs("grant", "/shop", "--uid", "1003", "--dialect", "docker")
    prod.envfs("import", "-", "/shop/web", given="A='it is'\nCOMPANY_NAME=Crane\nAPP_SECRET_KEY=x\n")
    file = prod.view("/shop/web")
    with ExitStack() as stack, writer(prod.socket) as write:
        watchers = [stack.enter_context(_watcher_as(uid, file)) for uid in (0, 1002, 1003)]
        inodes = {attempt(uid, "inode", file).found for uid in (0, 1002, 1003)}
        on_folder = stack.enter_context(Inotify(file.parent))
        write.set("/shop/web", "B", "1")
        for watcher in watchers:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == f"{MODIFY} 16\n"
        assert on_folder.wait(1) == [_IN_FOLDER]
        assert len(inodes) == 3


@contextmanager
def _watcher_as(uid: int, file: Path) -> Iterator[subprocess.Popen[str]]:
    words = [*as_user(uid), sys.executable, "-I", "-S", "-c", _WATCHER, str(file)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd="/") as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        yield watcher
        watcher.kill()


def test_changes_at_once_may_be_one_event_but_the_last_is_seen(prod: Home) -> None:
    file = prod.view("/shop/prod")
    with Inotify(file) as watcher:

        def write_some(name: str) -> None:
            with writer(prod.socket) as write:
                for number in range(10):
                    write.set("/shop/prod", name, str(number))

        threads = [threading.Thread(target=write_some, args=(f"N{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last = time.monotonic()
        eventually(lambda: watcher.seen, "an event")
        count = len(watcher.seen)
        while time.monotonic() < last + QUIET:
            count = len(watcher.seen)
        assert set(watcher.wait(1)) == {_FILE}
        assert 1 <= count <= len(watcher.seen) <= 80
        assert all(f"N{number}=9\n" in file.read_text() for number in range(8))


def test_touching_takes_no_grant_and_is_not_on_the_log(prod: Home) -> None:
    prod.envfs("grant", "/shop/prod", "--uid", "1002")
    prod.envfs("revoke", "/", "--uid", "0")
    file = prod.view("/shop/prod")
    with _watcher_as(1002, file) as watcher:
        assert watcher.stdout is not None
        entries = len(prod.log())
        with writer(prod.socket) as write:
            write.set("/shop/prod", "COUNT", "1")
        assert watcher.stdout.readline() == f"{MODIFY} 16\n"
    assert [entry["event"] for entry in prod.log()[entries:]] == ["write"]
    assert attempt(0, "read", file).how == "EACCES"


def test_a_watcher_that_is_stopped_holds_up_nobody(prod: Home) -> None:
    file = prod.view("/shop/prod")
    with _watcher_as(0, file) as stopped:
        assert stopped.stdout is not None
        os.kill(stopped.pid, signal.SIGSTOP)
        with Inotify(file) as watcher, writer(prod.socket) as write:
            for number in range(1, 21):
                write.set("/shop/prod", "COUNT", str(number))
                wait_for(watcher.seen, number)
            assert watcher.wait(20) == [_FILE] * 20
        os.kill(stopped.pid, signal.SIGCONT)
        assert stopped.stdout.readline() == f"{MODIFY} 16\n"  # those that it did not read are one to the kernel


def test_what_changed_above_a_locked_project_is_told_when_that_is_unlocked(
    served: tuple[Home, Daemon], tmp_path: Path
) -> None:
    home, _ = served
    (tmp_path / "passphrase").write_text("a long enough passphrase for this")
    words = ("--passphrase-file", str(tmp_path / "passphrase"))
    home.envfs("project", "new", "safe", "--zero-knowledge", "--yes", *words)
    home.envfs("import", "-", "/safe", *words, given="A=1\n")
    file = home.view("/safe")
    file.read_bytes()
    with Inotify(file) as watcher, writer(home.socket) as write:
        home.envfs("lock", "safe")
        write.set("/", "TZ_NAME", "UTC")
        write.set("/", "TZ_NAME", "Europe/Paris")
        assert watcher.wait(0) == []
        home.envfs("unlock", "safe", *words)
        assert watcher.wait(1) == [_FILE]
        home.envfs("lock", "safe")
        write.set("/", "TZ_NAME", "UTC")
        write.set("/", "TZ_NAME", "Europe/Paris")
        home.envfs("unlock", "safe", *words)
        assert watcher.wait(1) == [_FILE]


def test_the_end_of_the_daemon_waits_for_no_touch(shop: Home) -> None:
    with shop.served() as daemon:
        levels = [f"/shop/l{number}" for number in range(40)]
        with writer(shop.socket) as write:
            for level in levels:
                write.set(level, "A", "1")
            for level in levels:
                shop.view(level).read_bytes()
            for number in range(5):
                write.set("/", "TZ_NAME", str(number))
        shop.envfs("unmount")
        eventually(lambda: not alive(daemon.pid), "the daemon ends")
        shop.mount()


def test_a_stranger_can_watch_nothing(prod: Home) -> None:
    for path in (prod.mnt, prod.view("/"), prod.mnt / "shop", prod.view("/shop"), prod.mnt / ".touched"):
        assert _watch(1002, path).returncode == 1, path


def test_a_watch_ends_with_the_grant_that_allows_it(prod: Home) -> None:
    prod.envfs("grant", "/shop", "--uid", "1002")
    with _watcher_as(1002, prod.mnt):
        pass
    prod.envfs("revoke", "/shop", "--uid", "1002")
    assert _watch(1002, prod.mnt).returncode == 1


def _watch(uid: int, path: Path) -> "subprocess.CompletedProcess[bytes]":
    words = [*as_user(uid), sys.executable, "-I", "-S", "-c", _WATCHER, str(path)]
    return subprocess.run(words, capture_output=True, check=False, timeout=SECONDS, cwd="/")


def test_a_watch_on_a_folder_hears_of_its_own_uid_alone(prod: Home) -> None:
    """Opens, reads and names of others are of the inodes of others."""
    prod.envfs("grant", "/shop/prod", "--uid", "1002")
    with Inotify(prod.mnt / "shop", 0xFFF) as on_shop, Inotify(prod.mnt / "shop" / "prod", 0xFFF) as on_prod:
        on_shop.wait(0)
        before = len(on_shop.seen), len(on_prod.seen)
        assert attempt(1002, "read", prod.view("/shop/prod")).how == "ok"
        assert attempt(1002, "listdir", prod.mnt / "shop").how == "ok"
        assert attempt(1002, "read", prod.view("/shop")).how == "EACCES"
        time.sleep(QUIET)
        assert (len(on_shop.seen), len(on_prod.seen)) == before
        prod.view("/shop/prod").read_bytes()
        wait_for(on_prod.seen, before[1] + 1)


def test_a_users_own_mount_tells_its_user(user_home: Home) -> None:
    user_home.envfs("import", "-", "/shop", given=SHOP_TEXT)
    with user_home.served(), _watcher_as(OWNER, user_home.view("/shop")) as watcher:
        assert watcher.stdout is not None
        user_home.envfs("set", "/shop", "APP_NAME", given="renamed")
        assert watcher.stdout.readline() == f"{MODIFY} 16\n"


def test_a_file_that_is_mounted_over_the_mount_is_left_alone(prod: Home, tmp_path: Path) -> None:
    (tmp_path / "shop/prod").mkdir(parents=True)
    other = tmp_path / "shop/prod/.env"
    other.write_text("MINE=1\n")
    os.utime(other, (1, 1))
    subprocess.run(["mount", "--bind", str(tmp_path), str(prod.mnt)], check=True)
    try:
        with Inotify(other, MODIFY | ATTRIB) as watcher, writer(prod.socket) as write:
            write.set("/shop/prod", "COUNT", "1")
            assert watcher.wait(0) == []
    finally:
        subprocess.run(["umount", str(prod.mnt)], check=True)
    assert (other.read_text(), other.stat().st_mtime) == ("MINE=1\n", 1)


def test_what_is_mounted_on_a_folder_of_the_mount_is_left_alone(prod: Home) -> None:
    folder = prod.mnt / "shop"
    with ExitStack() as undo:
        for path in (folder, folder / ".env"):
            undo.callback(os.close, os.open(path, os.O_PATH))  # the kernel still knows it
        subprocess.run(["mount", "-t", "tmpfs", "x", folder], check=True)
        undo.callback(subprocess.run, ["umount", folder], check=True)
        (folder / ".env").write_text("mine\n")
        os.utime(folder / ".env", (1, 1))
        with Inotify(prod.view("/")) as watcher:
            prod.envfs("set", "/shop", "COUNT", given="1")
            prod.envfs("set", "/", "COUNT", given="2")
            assert watcher.wait(1) == [_FILE]
        assert (folder / ".env").stat().st_mtime == 1

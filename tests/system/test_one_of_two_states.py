"""While a level changes, what a program gets is the old text or the new one, whole, and size and text agree."""

import json
import os
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.home import SECONDS, Daemon, Home, as_user, eventually
from tests.system.watchers import MODIFY, Inotify, writer

_READER = """
import json, os, sys
path, seen, count = sys.argv[1], {}, 0
while count <= 10 or not os.path.exists(sys.argv[2]):
    handle = os.open(path, os.O_RDONLY)
    size = os.fstat(handle).st_size
    ways = (lambda: os.read(handle, 1 << 16), lambda: os.pread(handle, 1 << 16, 0))
    target = os.memfd_create("x")
    os.sendfile(target, handle, 0, 1 << 16)
    texts = [way() for way in ways] + [os.pread(target, 1 << 16, 0)]
    after = os.fstat(handle).st_size
    os.close(handle)
    os.close(target)
    assert len(set(texts)) == 1 or size != after, texts
    assert size <= len(texts[0]) <= after, (size, len(texts[0]), after)
    seen[texts[0].decode()] = seen.get(texts[0].decode(), 0) + 1
    count += 1
    if count == 1:
        print("reads", flush=True)
print(json.dumps([count, sorted(seen)]), flush=True)
"""


def test_readers_during_changes_meet_no_error_and_no_half_text(served: tuple[Home, Daemon], ground: Path) -> None:
    home, _ = served
    home.envfs("grant", "/", "--uid", "1002")
    file, stop = home.view("/shop"), ground / f"stop-{os.getpid()}"
    texts = {file.read_text()}
    with ExitStack() as stack:
        readers = [
            stack.enter_context(
                subprocess.Popen(
                    [*as_user(uid), sys.executable, "-I", "-S", "-c", _READER, str(file), str(stop)],
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd="/",
                )
            )
            for uid in (0, 0, 1002, 1002)
        ]
        try:
            for reader in readers:
                assert reader.stdout is not None
                assert reader.stdout.readline() == "reads\n"
            with writer(home.socket) as write:
                for number in range(60):
                    write.set("/shop", "APP_NAME", "n" * (1 + number * 37 % 1000))
                    texts.add(file.read_text())
        finally:
            stop.touch()
        for reader in readers:
            assert reader.stdout is not None
            count, seen = json.loads(reader.stdout.readline())
            assert count > 10
            assert set(seen) <= texts
            assert reader.wait(SECONDS) == 0
    stop.unlink()


def test_a_listing_of_a_view_that_is_not_ready_cuts_no_open_file(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    file = home.view("/shop")
    with file.open("rb") as held:
        text = held.read()
        home.envfs("set", "/shop", "APP_NAME", given="another")
        for _ in range(3):
            assert ".env" in {entry.name for entry in os.scandir(file.parent)}
            subprocess.run(["ls", "-la", str(file.parent)], check=True, stdout=subprocess.DEVNULL)
            home.envfs("set", "/shop", "APP_NAME", given=os.urandom(4).hex())
            os.listdir(file.parent)
            target = os.memfd_create("sent")
            os.sendfile(target, held.fileno(), 0, 1 << 16)
            assert os.pread(target, 1 << 16, 0) == text
            os.close(target)
            assert os.fstat(held.fileno()).st_size == len(text)
    assert file.stat().st_size == len(file.read_bytes())


def test_who_keeps_the_file_open_and_is_told_gets_a_whole_state(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    file = home.view("/shop")
    with file.open("rb") as held, Inotify(file, MODIFY) as watcher, writer(home.socket) as write:
        texts = [held.read()]
        for number, (name, value) in enumerate((("APP_NAME", "x"), ("NEW", "1"), ("APP_NAME", "y" * 99)), 1):
            write.set("/shop", name, value)
            watcher.wait(number)
            held.seek(0)
            size = os.fstat(held.fileno()).st_size
            texts.append(held.read())
            assert len(texts[-1]) == size
            assert texts[-1] in (texts[0], file.read_bytes())
            assert file.stat().st_size == len(file.read_bytes())


def test_a_text_that_grows_at_its_end_grows_for_who_has_it_open(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    file = home.view("/shop/prod")
    with file.open("rb", buffering=0) as held:
        text, number = held.read(), file.stat().st_ino
        home.envfs("set", "/shop/prod", "ADDED", given="1")
        eventually(lambda: os.fstat(held.fileno()).st_size > len(text), "the file grows")
        assert held.read() == b"ADDED=1\n"
        assert file.stat().st_ino == number
        assert file.read_bytes() == text + b"ADDED=1\n"
        home.envfs("unset", "/shop/prod", "ADDED")
        assert file.stat().st_ino != number
        assert os.pread(held.fileno(), 1 << 16, 0) == text + b"ADDED=1\n"
        assert os.fstat(held.fileno()).st_size == len(text) + 8
        assert file.read_bytes() == text


def test_a_text_of_which_the_kernel_keeps_pages_does_not_grow(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    file = home.view("/shop/prod")
    with file.open("rb", buffering=0) as held, open(os.memfd_create("sent"), "w+b", buffering=0) as sent:
        os.sendfile(sent.fileno(), held.fileno(), 0, 1 << 16)
        text, number = os.pread(sent.fileno(), 1 << 16, 0), file.stat().st_ino
        home.envfs("set", "/shop/prod", "ADDED", given="1")
        assert file.stat().st_ino != number
        assert file.read_bytes() == text + b"ADDED=1\n"
        assert os.fstat(held.fileno()).st_size == len(text)
        assert os.pread(held.fileno(), 1 << 16, 0) == text


def test_tail_shows_what_was_added(served: tuple[Home, Daemon], tmp_path: Path) -> None:
    home, _ = served
    shown = tmp_path / "shown"
    with shown.open("wb") as out:
        tail = subprocess.Popen(["tail", "-F", str(home.view("/shop/prod"))], stdout=out, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: shown.stat().st_size, "tail shows the file")
        home.envfs("set", "/shop/prod", "ADDED", given="1")
        eventually(lambda: b"ADDED=1\n" in shown.read_bytes(), "tail shows the change")
        assert tail.poll() is None
    finally:
        tail.kill()
        tail.wait()


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 9000])
def test_a_file_has_the_blocks_of_its_size(served: tuple[Home, Daemon], size: int) -> None:
    home, _ = served
    home.envfs("import", "-", "/blocks", given=f"A={'x' * size}\n")
    for name in (".env", ".environ", ".env.json", ".vars/A"):
        status = (home.mnt / "blocks" / name).stat()
        assert status.st_blocks == -(-status.st_size // 512)
        assert (status.st_blksize, status.st_nlink) == (4096, 1)


def test_an_archive_holds_the_text_and_true_times(served: tuple[Home, Daemon], tmp_path: Path) -> None:
    home, _ = served
    packed, out = tmp_path / "a.tar", tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-C", str(home.mnt), "-cSf", str(packed), "shop/.env", "shop/prod"], check=True)
    subprocess.run(["tar", "-C", str(out), "-xf", str(packed)], check=True)
    for level in ("/shop", "/shop/prod"):
        assert (out / level.strip("/") / ".env").read_bytes() == home.view(level).read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (home.mnt / "shop", home.view("/shop"), home.mnt / "shop" / ".history" / "1", home.mnt):
            archive.write(path, f"x/{path.name}")
            assert archive.infolist()[-1].date_time[0] > 2000


def test_a_folder_is_as_old_as_the_newest_text_of_its_level(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    folder = home.mnt / "shop"
    before = folder.stat().st_mtime
    assert before == pytest.approx(home.view("/shop").stat().st_mtime, abs=600)
    home.envfs("set", "/shop", "APP_NAME", given="renamed")
    eventually(lambda: folder.stat().st_mtime > before, "the folder's time moves")
    assert (folder / ".history" / "1").stat().st_mtime <= before

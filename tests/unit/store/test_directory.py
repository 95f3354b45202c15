"""What the folder store promises beyond the contract: private files, strangers' files, a disk that fails."""

import contextlib
import errno
import os
import resource
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envfs.core import limits
from envfs.errors import StoreUnavailable
from envfs.store.directory import DirectoryStore
from tests.patience import soon


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def store(root: Path) -> DirectoryStore:
    return DirectoryStore(root)


def settled(store: DirectoryStore, prefix: str):  # noqa: ANN201 - the store's own watch
    watch = store.watch(prefix)
    until = time.monotonic() + 60
    while watch.changed():
        assert time.monotonic() < until
        time.sleep(0.01)
    return watch


def test_files_and_folders_are_for_their_owner_alone(store: DirectoryStore, root: Path) -> None:
    before = os.umask(0)
    try:
        store.put_new("a/b/@1", b"x")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (root, root / "a", root / "a" / "b")] == [0o700] * 3
    assert stat.S_IMODE((root / "a" / "b" / "@1").stat().st_mode) == 0o600


def test_a_key_is_a_file_of_that_name(store: DirectoryStore, root: Path) -> None:
    store.put_new("a/@1.json", b"x")
    assert (root / "a" / "@1.json").read_bytes() == b"x"
    assert os.listdir(root / "a") == ["@1.json"]


@pytest.mark.parametrize("count", [1, 5, 130])
def test_many_records_are_put_at_once_and_those_that_are_there_stay(store: DirectoryStore, count: int) -> None:
    store.put_new("a/@1", b"first")
    records = {f"{folder}/@{number}": f"{folder} {number}".encode() for folder in "ab" for number in range(count)}
    store.put_all({**records, "a/@1": b"second"})
    assert {key: store.get(key) for key in records} == {**records, **({"a/@1": b"first"} if "a/@1" in records else {})}
    assert store.get("a/@1") == b"first"
    store.put_all({})


def test_who_is_killed_while_many_are_put_leaves_whole_ones_and_no_gap(store: DirectoryStore, root: Path) -> None:
    def content(number: int) -> bytes:
        return str(number).encode() * 4000

    reading, writing = os.pipe()
    for turn in range(6):
        child = os.fork()
        if child == 0:
            for start in range(0, 10_000, 40):
                store.put_all({f"a/{turn}/@{number:05d}": content(number) for number in range(start, start + 40)})
                os.write(writing, b"." if not start else b"")
            os._exit(0)
        os.read(reading, 1)  # it has begun
        time.sleep(0.004 * turn)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        keys = list(store.list(f"a/{turn}/"))
        assert keys == [f"a/{turn}/@{number:05d}" for number in range(len(keys))]
        assert [store.get(key) for key in keys] == [content(number) for number in range(len(keys))]
    os.close(reading)
    os.close(writing)
    assert not list(root.rglob(".new-*"))


def test_an_unfinished_file_is_no_key(store: DirectoryStore, root: Path) -> None:
    store.put_new("a/@1", b"x")
    (root / "a" / ".new-123-abc").write_bytes(b"half")
    assert list(store.list("")) == ["a/@1"]


def _killed_while(work: Callable[[DirectoryStore, int], None], root: Path, turns: int) -> None:
    reading, writing = os.pipe()
    for turn in range(turns):
        child = os.fork()
        if child == 0:
            store = DirectoryStore(root)
            for number in range(10_000):
                work(store, turn * 10_000 + number)
                os.write(writing, b"." if number == 0 else b"")
            os._exit(0)
        os.read(reading, 1)  # it has begun
        time.sleep(0.01 + 0.002 * turn)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def test_writers_that_are_killed_leave_no_file_behind_however_many(root: Path) -> None:
    _killed_while(lambda store, number: store.put_new(f"a/@{number}", b"x" * 100_000) or None, root, 20)
    names = os.listdir(root / "a")
    assert len(names) >= 20
    assert [name for name in names if not name.startswith("@")] == []


def test_a_store_whose_disk_knows_no_files_without_a_name_uses_one_with_a_name(
    store: DirectoryStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, real = [], os.open

    def limited(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "no files without a name")
        opened.append(str(path))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", limited)
    assert store.put_new("a/@1", b"x")
    assert store.put_new("a/@1", b"y") is False
    assert any("/.new-" in path for path in opened)
    assert os.listdir(root / "a") == ["@1"]
    assert store.get("a/@1") == b"x"


def test_what_was_to_be_forgotten_when_it_was_killed_is_forgotten_by_the_next_try(
    store: DirectoryStore, root: Path
) -> None:
    store.put_new("a/@1", b"x")
    (root / "a" / ".new-@1").write_bytes(b"")
    store.delete("a/@1")
    assert store.get("a/@1") == b""
    assert os.listdir(root / "a") == ["@1"]


def test_a_write_that_fails_leaves_nothing(store: DirectoryStore, root: Path) -> None:
    store.put_new("a/@1", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StoreUnavailable):
            store.put_new("a/@2", b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(root / "a") == ["@1"]
    assert store.put_new("a/@2", b"x" * 5000)


def test_a_full_disk_is_named_in_the_hint(store: DirectoryStore, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int, _data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreUnavailable) as caught:
        store.put_new("a/@1", b"x")
    assert "disk is full" in caught.value.hint
    assert os.listdir(root / "a") == []


@pytest.mark.parametrize("verb", ["get", "put_new", "delete"])
def test_a_folder_in_the_place_of_a_record_is_an_error_or_nobodys_record(
    store: DirectoryStore, root: Path, verb: str
) -> None:
    (root / "a" / "@1").mkdir(parents=True)
    if verb == "put_new":
        assert store.put_new("a/@1", b"x") is False
        return
    with pytest.raises(StoreUnavailable):
        getattr(store, verb)("a/@1")


def test_a_pipe_in_the_place_of_a_record_is_refused_and_never_waited_for(store: DirectoryStore, root: Path) -> None:
    (root / "a").mkdir(parents=True)
    os.mkfifo(root / "a" / "@1")
    with soon(), pytest.raises(StoreUnavailable):
        store.get("a/@1")


def test_a_record_over_the_limit_is_refused(store: DirectoryStore, root: Path) -> None:
    (root / "a").mkdir(parents=True)
    (root / "a" / "@1").write_bytes(b"x" * (limits.RECORD_BYTES + 1))
    with pytest.raises(StoreUnavailable):
        store.get("a/@1")


def test_a_root_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("")
    with pytest.raises(StoreUnavailable):
        DirectoryStore(tmp_path / "vault").put_new("a/@1", b"x")


def test_a_name_too_long_for_a_file_is_nobodys_record_and_cannot_be_put(store: DirectoryStore) -> None:
    with contextlib.suppress(StoreUnavailable):
        assert store.get("a" * 300) is None
    with pytest.raises(StoreUnavailable):
        store.put_new("a" * 300, b"")


@pytest.mark.parametrize("ago", [0, 3600], ids=["the same times", "an hour ago"])
def test_a_change_is_noticed_though_a_tool_set_the_folders_time_back(
    store: DirectoryStore, root: Path, ago: int
) -> None:
    store.put_new("a/@1", b"")
    os.utime(root / "a", (time.time() - ago, time.time() - ago))
    watch = settled(store, "a")
    before = (root / "a").stat()
    store.put_new("a/@2", b"")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    time.sleep(0.02)
    assert watch.changed()


def test_a_folder_in_the_place_of_the_one_that_was_watched_is_a_change(store: DirectoryStore, root: Path) -> None:
    store.put_new("a/@1", b"")
    watch = settled(store, "a")
    (root / "a").rename(root / "b")
    time.sleep(0.02)
    assert watch.changed()
    store.put_new("a/@1", b"")
    time.sleep(0.02)
    assert watch.changed()


@pytest.mark.parametrize("keep_times", [False, True], ids=["written", "written, times set back"])
def test_a_byte_changed_in_a_watched_record_is_noticed(store: DirectoryStore, root: Path, keep_times: bool) -> None:
    store.put_new("a/@1", b"old")
    watch = settled(store, "a/@1")
    before = (root / "a" / "@1").stat()
    (root / "a" / "@1").write_bytes(b"new")
    if keep_times:
        os.utime(root / "a" / "@1", ns=(before.st_atime_ns, before.st_mtime_ns))
    time.sleep(0.02)
    assert watch.changed()


def test_a_folder_from_the_future_is_a_change_until_then(store: DirectoryStore, root: Path) -> None:
    store.put_new("a/@1", b"")
    os.utime(root / "a", (time.time() + 1000, time.time() + 1000))
    watch = store.watch("a")
    for _ in range(5):
        time.sleep(0.02)
        assert watch.changed()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error(store: DirectoryStore, root: Path) -> None:
    store.put_new("a/@1", b"x")
    (root / "a").chmod(0)
    try:
        with pytest.raises(StoreUnavailable):
            store.get("a/@1")
        with pytest.raises(StoreUnavailable):
            list(store.list("a/"))
    finally:
        (root / "a").chmod(0o700)


def test_put_new_puts_the_file_and_its_folder_on_the_disk_before_it_says_so(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        steps.append(f"fsync {kind}")
        real_fsync(handle)

    def link(source: str, target: str, **how: int) -> None:
        steps.append("link")
        real_link(source, target, **how)

    store.put_new("a/@0", b"")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    store.put_new("a/@1", b"x")
    assert steps == ["fsync file", "link", "fsync folder"]
    steps.clear()
    store.put_new("b/@1", b"x")
    assert steps[-3:] == ["fsync file", "link", "fsync folder"]
    assert "fsync folder" in steps[:-3]


# -- forgetting --------------------------------------------------------------------------------------------------------


def test_what_is_deleted_is_overwritten_where_it_stood(store: DirectoryStore, root: Path) -> None:
    store.put_new("key/shop/@00000001.age", b"secret" * 100)
    with (root / "key/shop/@00000001.age").open("rb") as before:
        store.delete("key/shop/@00000001.age")
        assert before.read() == bytes(600)
    assert store.get("key/shop/@00000001.age") == b""
    assert not store.put_new("key/shop/@00000001.age", b"again")


def _left(root: Path, name: str, seconds_old: float, content: bytes = b"half a key") -> Path:
    path = root / "key/shop" / name
    path.write_bytes(content)
    os.utime(path, (time.time() - seconds_old,) * 2)
    return path


def test_with_it_goes_what_a_crash_left_beside_it(store: DirectoryStore, root: Path) -> None:
    store.put_new("key/shop/@00000001.age", b"first")
    left, fresh = _left(root, ".new-99999-abc", 3600), _left(root, ".new-99999-def", 1)
    with left.open("rb") as before:
        store.delete("key/shop/@00000001.age")
        assert before.read() == bytes(10)
    assert not left.exists()
    assert fresh.exists()  # somebody may be writing it


def test_a_second_name_of_a_record_goes_and_the_record_stays(store: DirectoryStore, root: Path) -> None:
    """A crash between `link` and `unlink` leaves the temporary name of a file that is a record by now."""
    for number in (1, 2):
        store.put_new(f"key/shop/@0000000{number}.age", b"content")
    second = root / "key/shop/.new-99999-abc"
    os.link(root / "key/shop/@00000002.age", second)
    os.utime(second, (time.time() - 3600,) * 2)
    store.delete("key/shop/@00000001.age")
    assert not second.exists()
    assert store.get("key/shop/@00000002.age") == b"content"

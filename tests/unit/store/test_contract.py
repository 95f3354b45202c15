"""What every store promises. Another store is one more line in STORES.

A key's last part starts with @ here, as in a vault, so that no key is the folder of another.
"""

import hashlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envfs.core import limits
from envfs.errors import StoreUnavailable
from envfs.store import Store
from envfs.store.directory import DirectoryStore
from tests.system.home import eventually

STORES: dict[str, Callable[[Path], Store]] = {
    "directory": lambda folder: DirectoryStore(folder / "vault"),
}
Make = Callable[[Path], Store]
_TICK = 0.02  # later than any look that a watch may take for fresh


@pytest.fixture(params=STORES.values(), ids=STORES)
def make(request: pytest.FixtureRequest) -> Make:
    found: Make = request.param
    return found


@pytest.fixture
def store(make: Make, tmp_path: Path) -> Store:
    return make(tmp_path)


# -- get and put_new ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["vault.toml", "@1", "a/@1", "a/b-c/d.e/_f/@00000001.json", "a" * 64 + "/@"])
@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)), b"\n" * 1000], ids=["nothing", "x", "bytes", "lines"])
def test_what_was_put_is_got(store: Store, key: str, data: bytes) -> None:
    assert store.get(key) is None
    assert store.put_new(key, data) is True
    assert store.get(key) == data


def test_the_largest_record_is_kept(store: Store) -> None:
    data = os.urandom(limits.RECORD_BYTES)
    assert store.put_new("a/@1", data)
    assert store.get("a/@1") == data


def test_a_key_is_never_overwritten(store: Store) -> None:
    assert store.put_new("a/@1", b"first") is True
    for data in (b"second", b"first", b"", b"a longer text than the first"):
        assert store.put_new("a/@1", data) is False
        assert store.get("a/@1") == b"first"


def test_another_process_sees_what_was_put(make: Make, tmp_path: Path) -> None:
    make(tmp_path).put_new("a/@1", b"x")
    assert make(tmp_path).get("a/@1") == b"x"
    assert make(tmp_path).put_new("a/@1", b"y") is False


def race(count: int, run: Callable[[int], int]) -> list[int]:
    """Run `run(number)` in `count` processes that start together; return their exit statuses."""
    reading, writing = os.pipe()
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            status = 99
            try:
                os.close(writing)
                os.read(reading, 1)  # until the gate is opened
                status = run(number)
            finally:
                os._exit(status)
        children.append(child)
    os.close(writing)
    os.close(reading)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_of_sixteen_racing_processes_one_takes_each_key(make: Make, tmp_path: Path) -> None:
    keys = [f"a/b{n}/@1" for n in range(8)]

    def run(number: int) -> int:
        store = make(tmp_path)
        return sum(store.put_new(key, f"{number} {key}".encode() * 100) for key in keys)

    wins = race(16, run)
    assert sum(wins) == len(keys)
    store = make(tmp_path)
    winners = []
    for key in keys:
        data = store.get(key) or b""
        number = int(data.split()[0])
        assert data == f"{number} {key}".encode() * 100
        winners.append(number)
    assert [winners.count(number) for number in range(16)] == wins
    assert list(store.list("")) == sorted(keys)


def test_sixteen_processes_that_put_other_keys_all_succeed(make: Make, tmp_path: Path) -> None:
    assert race(16, lambda number: int(make(tmp_path).put_new(f"new/folder/@{number}", b"x"))) == [1] * 16
    assert len(list(make(tmp_path).list("new/folder/"))) == 16


def test_a_writer_that_is_killed_leaves_whole_records_only(make: Make, tmp_path: Path) -> None:
    def content(key: str) -> bytes:
        return hashlib.sha256(key.encode()).digest() * 8000

    reading, writing = os.pipe()
    for turn in range(12):
        child = os.fork()
        if child == 0:
            store = make(tmp_path)
            for number in range(10_000):
                key = f"a/{turn}/@{number}"
                store.put_new(key, content(key))
                os.write(writing, b"." if number == 0 else b"")
            os._exit(0)
        os.read(reading, 1)  # it has begun
        time.sleep(0.01 + 0.003 * turn)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    store = make(tmp_path)
    keys = list(store.list("a/"))
    assert len(keys) >= 12
    for key in keys:
        assert store.get(key) == content(key)
    for turn in range(12):
        after = sum(key.startswith(f"a/{turn}/") for key in keys)
        assert store.put_new(f"a/{turn}/@{after}", b"next") is True


# -- keys --------------------------------------------------------------------------------------------------------------

BAD_KEYS = {
    "empty": "",
    "a slash": "/",
    "absolute": "/a",
    "ends with a slash": "a/",
    "an empty part": "a//b",
    "here": ".",
    "up": "..",
    "here inside": "a/./b",
    "up inside": "a/../b",
    "up and out": "../a",
    "up at the end": "a/..",
    "a nul": "a\0b",
    "half a surrogate": "a\ud800",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_what_is_no_key_is_refused_by_every_verb(store: Store, tmp_path: Path, key: str) -> None:
    (tmp_path / "a").write_bytes(b"outside")
    for verb in (store.get, store.delete, store.remove, lambda key: store.put_new(key, b"x")):
        with pytest.raises(StoreUnavailable):
            verb(key)
    assert (tmp_path / "a").read_bytes() == b"outside"


@pytest.mark.parametrize("prefix", ["../", "../a", "a/../../", "a/../a", "./", "a//", "//", "a\0/", "\ud800/"])
def test_no_prefix_lists_what_is_outside(store: Store, tmp_path: Path, prefix: str) -> None:
    (tmp_path / "a").write_bytes(b"outside")
    store.put_new("b/@1", b"")
    try:
        found = list(store.list(prefix))
    except StoreUnavailable:
        return
    assert found == []


@pytest.mark.parametrize("prefix", ["..", "../a", "a/..", "a//b", "/", "\0"])
def test_nothing_outside_is_watched(store: Store, prefix: str) -> None:
    with pytest.raises(StoreUnavailable):
        store.watch(prefix).changed()


# -- list and delete ---------------------------------------------------------------------------------------------------

parts = st.text("ab.-_0~", min_size=1, max_size=3).filter(lambda part: not part.startswith("."))
keys = st.builds(lambda folders, leaf: "/".join([*folders, f"@{leaf}"]), st.lists(parts, max_size=3), parts)


@settings(max_examples=40, deadline=None)
@given(wanted=st.sets(keys, max_size=10), prefix=st.lists(parts, max_size=2).map("/".join) | keys | st.just(""))
@pytest.mark.parametrize("make_store", STORES.values(), ids=STORES)
def test_keys_are_listed_by_prefix_in_the_order_of_their_bytes(make_store: Make, wanted: set[str], prefix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder))
        for key in wanted:
            store.put_new(key, b"")
        for asked in ("", prefix, prefix + "/", prefix + "/@"):
            expected = sorted((key for key in wanted if key.startswith(asked)), key=str.encode)
            if not asked.startswith("/"):
                assert list(store.list(asked)) == expected


def test_nothing_is_listed_where_nothing_is(store: Store) -> None:
    assert list(store.list("")) == []
    assert list(store.list("a/b/")) == []


def test_a_deleted_key_has_nothing_under_it_and_stays_taken(store: Store) -> None:
    store.put_new("a/@1", b"x")
    store.put_new("a/@2", b"y")
    store.delete("a/@1")
    assert store.get("a/@1") == b""
    assert store.get("a/@2") == b"y"
    assert list(store.list("")) == ["a/@1", "a/@2"]
    assert not store.put_new("a/@1", b"z")
    assert store.get("a/@1") == b""


@pytest.mark.parametrize("key", ["a/@1", "b/@1", "vault.toml"])
def test_deleting_what_is_not_there_is_no_error(store: Store, key: str) -> None:
    store.put_new("a/@2", b"")
    store.delete(key)
    assert list(store.list("")) == ["a/@2"]


@pytest.mark.parametrize("key", ["a/@1", "a/@3", "b/@1"])
def test_a_removed_key_is_not_there_and_one_that_is_not_there_is_no_error(store: Store, key: str) -> None:
    store.put_new("a/@1", b"x")
    store.put_new("a/@2", b"y")
    store.remove(key)
    assert store.get(key) is None
    assert store.get("a/@2") == b"y"
    assert key not in list(store.list(""))
    assert store.put_new(key, b"z")


# -- watch -------------------------------------------------------------------------------------------------------------


def settle(watch: Callable[[], bool]) -> None:
    """Wait until a watch is quiet."""
    eventually(lambda: not watch(), "the watch settles", pause=0.01)


@pytest.mark.parametrize("there", [True, False], ids=["a prefix with keys", "a prefix without"])
def test_a_watch_starts_with_a_change_and_settles(store: Store, there: bool) -> None:
    if there:
        store.put_new("a/@1", b"")
    watch = store.watch("a")
    assert watch.changed()
    settle(watch.changed)
    time.sleep(_TICK)
    assert not watch.changed()


def test_every_change_is_noticed_even_within_one_tick_of_the_clock(store: Store) -> None:
    store.put_new("a/@0", b"")
    watch = store.watch("a")
    for number in range(1, 20):
        watch.changed()
        store.put_new(f"a/@{number}", b"")
        time.sleep(_TICK)
        assert watch.changed(), f"change {number} was missed"


def test_a_change_just_after_a_look_is_noticed(store: Store) -> None:
    store.put_new("a/@0", b"")
    watch = store.watch("a")
    for number in range(1, 6):
        settle(watch.changed)
        time.sleep(_TICK)
        assert not watch.changed()
        store.put_new(f"a/@{number}", b"")
        time.sleep(_TICK)
        assert watch.changed(), f"change {number} was missed"


def test_two_changes_in_a_row_are_not_taken_for_one_that_was_seen(store: Store) -> None:
    watch = store.watch("a")
    for number in range(20):
        store.put_new(f"a/@x{number}", b"")
        time.sleep(_TICK)
        assert watch.changed()
        store.put_new(f"a/@y{number}", b"")
        time.sleep(_TICK)
        assert watch.changed()


def test_a_prefix_that_comes_to_be_is_a_change(store: Store) -> None:
    watch = store.watch("a/b")
    settle(watch.changed)
    store.put_new("a/b/@1", b"")
    time.sleep(_TICK)
    assert watch.changed()


def test_a_deleted_key_is_a_change(store: Store) -> None:
    store.put_new("a/@1", b"")
    watch = store.watch("a")
    settle(watch.changed)
    store.delete("a/@1")
    time.sleep(_TICK)
    assert watch.changed()


def test_a_change_by_another_process_is_noticed(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.put_new("a/@1", b"")
    watch = store.watch("a")
    settle(watch.changed)
    assert race(1, lambda number: int(make(tmp_path).put_new("a/@2", b""))) == [1]
    time.sleep(_TICK)
    assert watch.changed()


def test_two_watches_of_one_prefix_both_notice(store: Store) -> None:
    store.put_new("a/@1", b"")
    watches = [store.watch("a"), store.watch("a")]
    for watch in watches:
        settle(watch.changed)
    store.put_new("a/@2", b"")
    time.sleep(_TICK)
    assert [watch.changed() for watch in watches] == [True, True]


def test_the_top_can_be_watched(store: Store) -> None:
    store.put_new("@1", b"")
    watch = store.watch("")
    settle(watch.changed)
    store.put_new("@2", b"")
    time.sleep(_TICK)
    assert watch.changed()


@pytest.fixture
def descriptors() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.usefixtures("descriptors")
def test_no_verb_leaves_a_descriptor_behind(store: Store) -> None:
    for number in range(50):
        store.put_new(f"a/@{number}", b"x")
        store.put_new("a/@0", b"x")
        store.get(f"a/@{number}")
        store.get("a/@none")
        next(store.list("a/"))
        store.watch("a").changed()
        store.delete(f"a/@{number}")

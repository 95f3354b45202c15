"""What this machine has seen: it outlives a power cut, and never forgets a head quietly."""

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from envfs.errors import StoreUnavailable
from envfs.vault.high_water import Memory, Seen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "seen.jsonl"


def test_at_first_nothing_was_seen(path: Path) -> None:
    memory = Memory(path)
    assert memory.get("level") is None
    assert memory.streams() == ()


def test_what_was_put_is_seen_now_and_after_a_start(path: Path) -> None:
    memory = Memory(path)
    memory.put("level", Seen(1, "a"))
    memory.put("key/shop", Seen(7, "b"))
    memory.put("level", Seen(2, "c"))
    for each in (memory, Memory(path)):
        assert each.get("level") == Seen(2, "c")
        assert each.get("key/shop") == Seen(7, "b")
        assert sorted(each.streams()) == ["key/shop", "level"]


def test_whatever_a_power_cut_leaves_of_the_newest_line_it_costs_that_line_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # some hundred files
    Memory(path).put("level", Seen(1, "a"))
    whole = path.read_bytes()
    Memory(path).put("level", Seen(2, "b"))
    line = path.read_bytes()[len(whole) :]
    for at in range(len(line) - 1):
        for torn in (
            line[:at],
            line[:at] + bytes(len(line) - at),
            bytes(at + 1) + line[at + 1 :],
            line[:at] + bytes(9),
        ):
            path.write_bytes(whole + torn)
            memory = Memory(path)
            assert (memory.get("level"), memory.spoiled) == (Seen(1, "a"), 0), torn
            memory.put("level", Seen(3, "c"))
            assert (Memory(path).get("level"), Memory(path).spoiled) == (Seen(3, "c"), 0), torn


def test_an_older_head_can_be_put_and_counts(path: Path) -> None:
    memory = Memory(path)
    memory.put("level", Seen(9, "a"))
    memory.put("level", Seen(3, "b"))
    assert Memory(path).get("level") == Seen(3, "b")


def test_the_journal_is_private(path: Path) -> None:
    Memory(path).put("level", Seen(1, "a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_seen_already_is_not_written_again(path: Path) -> None:
    memory = Memory(path)
    for _ in range(5):
        memory.put("level", Seen(1, "a"))
    assert len(path.read_bytes().splitlines()) == 1


@pytest.mark.parametrize("half", [b"{", b'{"stream":"le', b'{"stream":"level","seq":3,"dig', b"\0\0\0\0"])
def test_a_half_written_line_is_dropped_and_swallows_no_other(path: Path, half: bytes) -> None:
    Memory(path).put("level", Seen(1, "a"))
    with path.open("ab") as file:
        file.write(half)
    memory = Memory(path)
    assert memory.get("level") == Seen(1, "a")
    memory.put("key", Seen(5, "b"))
    again = Memory(path)
    assert again.get("level") == Seen(1, "a")
    assert again.get("key") == Seen(5, "b")


def test_a_last_line_without_its_line_end_counts_and_swallows_no_other(path: Path) -> None:
    Memory(path).put("level", Seen(1, "a"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    memory = Memory(path)
    assert memory.get("level") == Seen(1, "a")
    memory.put("key", Seen(5, "b"))
    assert Memory(path).get("key") == Seen(5, "b")
    assert Memory(path).get("level") == Seen(1, "a")


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"[]\n", b"null\n", b'{"stream":"x","seq":"y","digest":""}\n', b"\xff\n"]
)
def test_a_line_that_says_nothing_changes_nothing(path: Path, line: bytes) -> None:
    Memory(path).put("level", Seen(1, "a"))
    path.write_bytes(line + path.read_bytes() + line)
    assert Memory(path).get("level") == Seen(1, "a")
    assert Memory(path).streams() == ("level",)


def test_a_head_that_could_not_be_written_is_written_the_next_time(path: Path) -> None:
    memory = Memory(path)
    memory.put("level", Seen(1, "a"))
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (0, 10):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
        try:
            with pytest.raises(StoreUnavailable):
                memory.put("level", Seen(2, "b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    memory.put("level", Seen(2, "b"))
    memory.put("key", Seen(1, "c"))
    again = Memory(path)
    assert (again.get("level"), again.get("key")) == (Seen(2, "b"), Seen(1, "c"))


def test_the_journal_stays_short_over_many_heads(path: Path) -> None:
    memory = Memory(path)
    for seq in range(1, 3000):
        memory.put("level", Seen(seq, str(seq)))
    assert len(path.read_bytes().splitlines()) < 2000
    assert Memory(path).get("level") == Seen(2999, "2999")


def test_the_journal_stays_short_over_many_starts(path: Path) -> None:
    lines = [json.dumps({"stream": "level", "seq": seq, "digest": str(seq)}) for seq in range(1, 5000)]
    path.write_text("\n".join(lines) + "\n")
    memory = Memory(path)
    assert memory.get("level") == Seen(4999, "4999")
    assert len(path.read_bytes().splitlines()) == 1


def test_a_journal_that_cannot_be_read_is_an_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnavailable):
        Memory(path)


def test_a_link_in_the_journals_place_is_not_written_through(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    memory = Memory(path)
    path.symlink_to(victim)
    with pytest.raises(StoreUnavailable):
        memory.put("level", Seen(1, "a"))
    assert victim.read_bytes() == b""


def test_a_head_is_on_the_disk_before_it_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def sync(handle: int) -> None:
        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode):
            synced.append(status.st_size)

    monkeypatch.setattr(os, "fdatasync", sync)
    monkeypatch.setattr(os, "fsync", sync)
    memory = Memory(path)
    memory.put("level", Seen(1, "a"))
    assert synced == [path.stat().st_size]


def test_a_head_that_did_not_reach_the_disk_does_not_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    memory = Memory(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(StoreUnavailable):
            memory.put("level", Seen(1, "a"))
    assert memory.get("level") is None
    memory.put("level", Seen(1, "a"))
    assert Memory(path).get("level") == Seen(1, "a")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1", "1.5", "true", '"7"', "9" * 30, "9" * 5000])
def test_a_number_that_no_record_has_is_no_mark(path: Path, number: str) -> None:
    path.write_text(f'{{"stream":"level","seq":{number},"digest":"a"}}\n', encoding="ascii")
    memory = Memory(path)
    assert memory.get("level") is None
    assert memory.spoiled == 1

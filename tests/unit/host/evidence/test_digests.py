"""Digests are kept for each state of a file, and not where a later state might look the same."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs.host.evidence import digests
from envfs.host.evidence.digests import Digests
from envfs.host.evidence.file_identity import FileIdentity, identify_file
from envfs.host.evidence.unfinished import Unfinished


class Clock:
    """A clock that goes on by being waited for."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000_000

    def time_ns(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(digests, "time", clock)
    return clock


class Program(NamedTuple):
    """A file that looks the same whatever is written to it, as within one tick of the kernel's clock."""

    path: Path
    folder: int
    identity: FileIdentity

    def digest(self, kept: Digests) -> str:
        return kept.digest(self.folder, self.path.name, self.identity)

    def write(self, content: bytes) -> str:
        self.path.write_bytes(content)
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def program(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    path = tmp_path / "program"
    path.write_bytes(b"one")
    folder = os.open(tmp_path, os.O_RDONLY)
    identity = identify_file(folder, path.name)._replace(changed_ns=clock.now_ns)
    monkeypatch.setattr(digests, "identify_file", lambda _handle: identity)
    yield Program(path, folder, identity)
    os.close(folder)


@pytest.mark.parametrize("moved_ns", [0, 1_000_000, -1_000_000])
def test_what_was_read_within_a_tick_of_a_change_is_not_kept(program: Program, clock: Clock, moved_ns: int) -> None:
    clock.now_ns += moved_ns
    kept = Digests()
    for content in (b"one", b"two"):
        expected = program.write(content)
        assert program.digest(kept) == expected


def test_a_large_file_is_read_once_a_change_would_show(
    program: Program, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_AT_ONCE", -1)
    kept, before_ns = Digests(), clock.now_ns
    with pytest.raises(Unfinished) as later:
        program.digest(kept)
    later.value.finish()
    assert clock.now_ns > before_ns
    assert program.digest(kept) == hashlib.sha256(b"one").hexdigest()


def test_what_was_read_later_is_kept(program: Program, clock: Clock) -> None:
    clock.now_ns += 1_000_000_000
    kept = Digests()
    expected = program.digest(kept)
    program.path.unlink()
    assert program.digest(kept) == expected

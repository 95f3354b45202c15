"""Processes that have read by a rule: counted once, never forgotten, in a file that does not grow for ever."""

import json
import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from envfs.core.access.rule import Rule
from envfs.errors import AuditUnavailable
from envfs.gate import rule_uses
from envfs.gate.rule_uses import RuleUses
from envfs.host import clocks, private_files
from envfs.host.evidence.pidfds import pidfd_inode

RULE, OTHER = Rule("/", 1, id="g1", max_reads=3), Rule("/", 2, id="g2", max_reads=3)
ME = (pidfd_inode(os.getpid()), os.getpid())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "uses.jsonl"


def ended_process() -> tuple[int, int]:
    """Return the numbers of a process that is gone."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        return pidfd_inode(process.pid), process.pid


def test_a_process_counts_once_and_there_is_room_for_so_many(path: Path) -> None:
    uses = RuleUses(path)
    for pidfd in (7, 7, 8, 9):
        assert uses.admits(RULE, pidfd)
        uses.record(RULE, pidfd, 0)
    for again in (uses, RuleUses(path)):
        assert again.count("g1") == 3
        assert again.admits(RULE, 8)
        assert not again.admits(RULE, 10)
        assert again.admits(OTHER, 10)


def test_the_file_of_an_earlier_release_is_read(path: Path) -> None:
    path.write_text(json.dumps({"rule": "g1", "boot": clocks.boot_id(), "pidfd": 7}) + "\n")
    uses = RuleUses(path)
    assert uses.count("g1") == 1
    uses.record(RULE, 7, 4711)
    uses.tidy([])
    assert RuleUses(path).count("g1") == 0


@pytest.mark.parametrize("tail", [b'{"rule": "g1", "bo', b"\0\0\0\0", b'{"rule": "g1", "boot": "x", "pidfd": 9}'])
def test_a_line_that_was_never_finished_counts_for_nothing_and_spoils_nothing(path: Path, tail: bytes) -> None:
    RuleUses(path).record(RULE, *ME)
    with path.open("ab") as file:
        file.write(tail)
    uses = RuleUses(path)
    assert uses.count("g1") == 1
    assert uses.admits(RULE, 8)
    uses.record(RULE, 8, 0)
    assert len([json.loads(line) for line in path.read_bytes().splitlines()]) == 2
    assert RuleUses(path).count("g1") == 2


@pytest.mark.parametrize("line", [b"nonsense", b"", b'{"rule": "g1", "ended": -1}', b'{"rule": "g1", "ended": true}'])
def test_any_other_line_that_is_none_leaves_nobody(path: Path, line: bytes) -> None:
    path.write_bytes(line + b"\n" + json.dumps({"rule": "g1", "boot": "x", "pidfd": 9}).encode() + b"\n")
    assert not RuleUses(path).admits(RULE, 8)


def test_a_write_that_broke_off_is_mended_by_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uses, whole = RuleUses(path), os.write
    uses.record(RULE, *ME)
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda handle, line: whole(handle, line[:10]))
        with pytest.raises(AuditUnavailable):
            uses.record(RULE, 8, 0)
    assert uses.count("g1") == 1
    uses.record(RULE, 9, 0)
    assert RuleUses(path).count("g1") == 2
    assert RuleUses(path).admits(RULE, 8)


def test_while_nothing_can_be_written_nobody_new_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uses = RuleUses(path)
    uses.record(RULE, *ME)
    path.write_bytes(path.read_bytes() + b"half")
    uses = RuleUses(path)

    def full(*_: object) -> NoReturn:
        raise private_files.StoreUnavailable("no space left on device")

    monkeypatch.setattr(private_files, "write_private", full)
    with pytest.raises(AuditUnavailable):
        uses.record(RULE, 8, 0)
    uses.record(RULE, *ME)
    assert path.read_bytes().endswith(b"half")


def test_rules_that_are_gone_are_forgotten_but_for_a_persons_own(path: Path) -> None:
    uses, by_hand = RuleUses(path), Rule("/", 1, max_reads=3)
    for rule in (RULE, OTHER, by_hand):
        uses.record(rule, *ME)
    uses.tidy([OTHER])
    for again in (uses, RuleUses(path)):
        assert [again.count(key) for key in ("g1", "g2", by_hand.key)] == [0, 1, 1]


def test_of_processes_that_have_ended_the_number_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_uses, "_TIDY_BYTES", 1)
    uses = RuleUses(path)
    gone = ended_process()
    for process in (ME, gone):
        uses.record(RULE, *process)
    lines = path.read_bytes() + json.dumps({"rule": "g1", "boot": "another run", "pidfd": 9}).encode() + b"\n"
    path.write_bytes(lines)
    uses = RuleUses(path)
    assert uses.is_large()
    uses.tidy([RULE])
    for again in (uses, RuleUses(path)):
        assert again.count("g1") == 3
        assert again.admits(RULE, ME[0])
        assert not again.admits(RULE, 10)
    assert len(path.read_bytes().splitlines()) == 2


def fill(uses: RuleUses, rule: Rule) -> None:
    for pidfd in range(1, 50):  # each is taken to live
        uses.record(rule, pidfd, 0)


def test_it_never_writes_what_it_could_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_uses, "_LARGEST", 600)
    monkeypatch.setattr(rule_uses, "_TIDY_BYTES", 100)
    uses, many = RuleUses(path), Rule("/", 1, id="g1", max_reads=100)
    gone = ended_process()
    for pidfd in range(50):  # each is another process that has ended
        uses.record(many, gone[0] + pidfd, gone[1])
    assert len(path.read_bytes()) <= 600
    assert RuleUses(path).count("g1") == 50
    with pytest.raises(AuditUnavailable):
        fill(uses, many)
    assert len(path.read_bytes()) <= 600
    assert RuleUses(path).count("g1") == uses.count("g1")

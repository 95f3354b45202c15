"""The rules of both files: a look that is trusted for a moment, and own changes that count at once."""

import os
import time
from pathlib import Path

import pytest

from envfs.core.access.rule import Rule
from envfs.errors import UnsafeSettings
from envfs.gate.rule_book import RuleBook
from envfs.rules_file import RulesFile
from envfs.settings import SettingsFile

_BY_HAND = '[[grant]]\nlevel = "/shop"\nuid = 7\n'
_LONGER_NS = 1_000_001  # than a look is trusted


@pytest.fixture
def book(tmp_path: Path) -> RuleBook:
    return RuleBook(SettingsFile(tmp_path / "envfs.toml"), RulesFile(tmp_path / "grants.toml"))


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def test_a_rule_that_a_command_gave_or_ended_counts_at_once(book: RuleBook) -> None:
    assert book.load() == ()
    given = book.give(Rule("/shop", 1000))
    assert book.load() == (given,)
    book.end([given.key])
    assert book.load() == ()


@pytest.mark.parametrize("name", ["envfs.toml", "grants.toml"])
def test_a_change_by_hand_counts_after_a_millisecond(
    book: RuleBook, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    assert book.load() == ()
    text = _BY_HAND if name == "envfs.toml" else 'next = 2\n[[grant]]\nid = "g1"\nlevel = "/shop"\nuid = 7\n'
    write(tmp_path / name, text)
    now += _LONGER_NS
    assert [rule.uid for rule in book.load()] == [7]


def test_looks_at_the_two_files_do_not_add_up(book: RuleBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # somebody else asked for the settings just before: that look is as old for the rules as it is for the settings
    now = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    book.settings()
    now += 900_000
    assert book.load() == ()
    write(tmp_path / "envfs.toml", _BY_HAND)
    now += 200_000
    assert [rule.uid for rule in book.load()] == [7]


def test_a_file_that_others_may_write_is_refused_after_a_millisecond(
    book: RuleBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    given = book.give(Rule("/shop", 1000))
    assert book.load() == (given,)
    os.chmod(tmp_path / "grants.toml", 0o666)
    now += _LONGER_NS
    for _ in range(2):
        with pytest.raises(UnsafeSettings):
            book.load()

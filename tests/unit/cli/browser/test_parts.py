"""The table of keys, the output of commands, terminals, and times."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from envfs_cli.browser import key_table
from envfs_cli.browser.changing import Changing
from envfs_cli.browser.runner import clean_lines
from envfs_cli.browser.short_times import shorten_time
from envfs_cli.browser.terminal_kind import can_move_cursor
from envfs_cli.browser.walking import Walking

_PAGE = Path(__file__).parents[4] / "docs" / "ui.md"


def test_every_key_has_one_action_and_no_key_two() -> None:
    keys = [key for row in key_table.all_keys() for key in row.keys]
    assert len(keys) == len(set(keys))
    for row in key_table.all_keys():
        assert [hasattr(actions, row.action) for actions in (Walking, Changing)].count(True) == 1, row.action


def test_every_key_is_in_the_page() -> None:
    page = _PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(row.shown, row.help) for row in key_table.all_keys()]


def test_the_foot_has_the_help_and_the_way_out_first() -> None:
    for pane in ("Names", "History", "Readers", "Approvals"):
        assert key_table.foot_words(pane)[:2] == [("?", "keys"), ("q", "leave")]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\r\nb\r\n", ("a", "b")),
        (b"\r\xe2\xa0\x8b moving 1 of 2 \r\xe2\xa0\x99 moving 2 of 2 \r\x1b[Kdone\r\n", ("done",)),
        (b"envfs: \x1b[31merror:\x1b[0m no\r\n", ("error: no",)),
        (b"", ()),
    ],
)
def test_lines_are_what_a_terminal_would_show_in_the_end(data: bytes, lines: tuple[str, ...]) -> None:
    assert clean_lines(data) == lines


@pytest.mark.parametrize("kind", ["", "dumb", "unknown"])
def test_a_terminal_that_is_only_a_name_shows_no_screen(kind: str) -> None:
    assert not can_move_cursor(kind, 1)


@pytest.mark.parametrize(("kind", "can"), [("xterm-256color", True), ("nobody-knows-this", True), ("vt52", False)])
def test_a_terminal_is_judged_by_its_description(kind: str, can: bool) -> None:
    # the library reads one description in a process
    program = f"from envfs_cli.browser.terminal_kind import can_move_cursor; print(can_move_cursor({kind!r}, 1))"
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert shown == f"{can}\n"


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2026-11-30T08:05:00Z", "08:05"),
        ("2026-01-02T08:05:00Z", "01-02 08:05"),
        ("2025-12-31T08:05:00Z", "2025-12-31"),
    ],
)
def test_a_time_is_as_short_as_it_can_be(time: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    import time as clock

    clock.tzset()
    assert shorten_time(time, "2026-11-30") == shown

"""Reads over time, from the lines of the access log."""

import json
from datetime import UTC, datetime

from envfs_cli.web import activity

NOW = datetime(2026, 11, 30, 12, 30, tzinfo=UTC).timestamp()


def _line(hour: str, event: str = "read", **members: object) -> str:
    body = {"event": event, "uid": 1001, "level": "/shop", "executable": "/usr/bin/cat", "format": "dotenv", **members}
    return json.dumps({"seq": 1, "time": f"2026-11-{hour}:10:00.000000Z", **body, "prev": "0"}) + "\n"


def test_reads_and_refusals_are_counted_by_the_hour_and_by_the_day() -> None:
    lines = [_line("30T11"), _line("30T11"), _line("30T12", "refuse", times=3), _line("29T01")]
    day = activity.sum_up(lines, 1, NOW)
    assert len(day.bars) == 24
    assert [(bar.reads, bar.refusals) for bar in day.bars if bar.reads or bar.refusals] == [(2, 0), (0, 3)]
    assert day.most == 3
    week = activity.sum_up(lines, 7, NOW)
    assert [bar.reads + bar.refusals for bar in week.bars] == [0, 0, 0, 0, 0, 1, 5]


def test_looks_at_names_are_no_reads() -> None:
    looks = [_line("30T11", format=word) for word in ("names", "presence", "history", "changes", "lookup", "compare")]
    told = activity.sum_up(looks, 1, NOW)
    assert not told.most
    assert not told.callers
    assert not told.entries


def test_a_refused_look_is_told() -> None:
    assert activity.sum_up([_line("30T11", "refuse", format="names")], 1, NOW).callers[0][1].refusals == 1


def test_callers_have_a_level_a_user_and_a_program() -> None:
    told = activity.sum_up([_line("30T11"), _line("30T11", script="/srv/app.py")], 1, NOW)
    assert {(caller.level, caller.uid, caller.program) for caller, _ in told.callers} == {
        ("/shop", 1001, "/usr/bin/cat"),
        ("/shop", 1001, "/srv/app.py"),
    }


def test_a_line_that_is_no_entry_is_shown_as_such() -> None:
    told = activity.sum_up(["[]\n", "{\n", "9" * 5000], 1, NOW)
    assert {entry.event for entry in told.entries} == {"no entry"}


def test_the_log_s_own_checkpoints_are_left_out() -> None:
    assert not activity.sum_up(['{"seq":1,"time":"x","event":"checkpoint"}\n'], 1, NOW).entries


def test_of_many_entries_the_newest_are_shown_first() -> None:
    told = activity.sum_up([_line("30T11", version=number) for number in range(1, 301)], 1, NOW)
    assert [entry.version for entry in told.entries] == [str(number) for number in range(300, 200, -1)]
    assert told.most == 300
    assert not told.is_cut

"""Times as people give them: in the zone of the command, unless they name another."""

import time
from collections.abc import Iterator

import pytest

from envfs_cli.log_times import parse_log_time

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2h", time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW - 7200))),
        ("2026-11-21", "2026-11-20T23:00:00"),
        ("2026-07-01", "2026-06-30T22:00:00"),
        ("2026-11-21T08:00", "2026-11-21T07:00:00"),
        (" 2026-11-21 08:00:05 ", "2026-11-21T07:00:05"),
        ("2026-11-21Z", "2026-11-21T00:00:00"),
        ("2026-11-21T08:00Z", "2026-11-21T08:00:00"),
        ("2026-11-21T08:00:00+05:30", "2026-11-21T02:30:00"),
        ("2026-11-21T08:00-05:00", "2026-11-21T13:00:00"),
        ("0900-01-01Z", "0900-01-01T00:00:00"),
    ],
)
def test_a_time_without_an_offset_is_of_where_the_command_runs(given: str, moment: str) -> None:
    assert parse_log_time(given, NOW) == moment


@pytest.mark.parametrize(
    "given",
    ["", "x", "-1", "2026", "2026-11", "2026-13-01", "2026-11-21T", "2026-11-21T08", "2026-11-21T25:00", "2026-W01-1",
     "0001-01-01", "2026-11-21T08:00:00.5", "2026-11-21T08:00+01", "2026-11-21T08:00+99:00",
     "\uff12026-11-21", "2026-11-21T08:00ZZ", "9999-12-31T23:59-23:00", "20261121"],
)  # fmt: skip
def test_what_is_no_time_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_log_time(given, NOW)

"""Times are written one way, sort as text, and come back."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from envfs.host import clocks


def test_the_wall_clock_is_written_in_utc_with_microseconds() -> None:
    before, written, after = time.time_ns(), clocks.wall_time(), time.time_ns()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", written)
    assert before // 1000 * 1000 <= clocks.parse_nanoseconds(written) <= after


def test_the_wall_clock_is_written_as_moments_are() -> None:
    written = clocks.wall_time()
    assert clocks.time_text(datetime.fromisoformat(written)) == written


@pytest.mark.parametrize(
    ("moment", "written", "nanoseconds"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00.000000Z", 0),
        (datetime(2026, 11, 21, 8, 9, 10, 123456, UTC), "2026-11-21T08:09:10.123456Z", 1795248550_123456_000),
        (datetime(2026, 11, 21, 8, 9, 10, 999999, UTC), "2026-11-21T08:09:10.999999Z", 1795248550_999999_000),
        (
            datetime(2026, 11, 21, 9, 9, 10, 5, timezone(timedelta(hours=1))),
            "2026-11-21T08:09:10.000005Z",
            1795248550_000005_000,
        ),
    ],
)
def test_a_moment_is_written_one_way_and_comes_back(moment: datetime, written: str, nanoseconds: int) -> None:
    assert clocks.time_text(moment) == written
    assert clocks.parse_nanoseconds(written) == nanoseconds


def test_later_moments_are_later_texts() -> None:
    written = [clocks.wall_time() for _ in range(2000)]
    assert written == sorted(written)


def test_the_boot_clock_only_goes_forward_and_belongs_to_one_run() -> None:
    first = clocks.boot_seconds()
    assert 0 < first <= clocks.boot_seconds()
    assert re.fullmatch(r"[0-9a-f-]{36}", clocks.boot_id())
    assert clocks.boot_id() == clocks.boot_id()

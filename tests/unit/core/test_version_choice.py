"""The word behind `LEVEL@`: a number, a step back or a time, and never anything else."""

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from envfs.core import version_choice
from envfs.core.version_choice import VersionChoice
from envfs.errors import BadName

BERLIN = ZoneInfo("Europe/Berlin")
INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("word", "number"), [("7", 7), ("@7", 7), ("007", 7), ("-1", -1), ("@-12", -12), ("999999999999", 999_999_999_999)]
)
def test_a_number_counts_from_the_first_version_or_back_from_the_newest(word: str, number: int) -> None:
    assert version_choice.parse_version_choice(word) == VersionChoice(number)


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2026-11-01T10:00", "2026-11-01T09:00:00.000000Z"),
        ("@2026-11-01 10:00", "2026-11-01T09:00:00.000000Z"),
        ("2026-07-01T10:00", "2026-07-01T08:00:00.000000Z"),
        ("2026-11-01T10:00Z", "2026-11-01T10:00:00.000000Z"),
        ("2026-11-01T10:00+05:30", "2026-11-01T04:30:00.000000Z"),
        ("2026-11-01T10:00:07-01:00", "2026-11-01T11:00:07.999999Z"),
        ("2026-11-01T10:00:07", "2026-11-01T09:00:07.999999Z"),
        ("2026-11-01T10:00:07.25", "2026-11-01T09:00:07.250000Z"),
        ("2026-11-01T10:00:07.123456Z", "2026-11-01T10:00:07.123456Z"),
    ],
)
def test_a_time_is_that_of_the_person_and_becomes_utc(word: str, moment: str) -> None:
    assert version_choice.parse_version_choice(word, BERLIN) == VersionChoice(moment=moment)


def test_the_same_word_is_another_moment_in_another_zone() -> None:
    assert version_choice.parse_version_choice("2026-11-01T10:00", INDIA).moment == "2026-11-01T04:30:00.000000Z"


@pytest.mark.parametrize(
    "word",
    [
        *("", "@", "0", "-0", "-", "--1", "+1", "1.0", "7 ", " 7", "@@7", "x", "latest", "1000000000000", "\u0667"),
        *("2026-11-01", "10:00", "2026-11-01T10", "20261101T1000", "2026-W44-7T10:00", "2026-13-01T10:00"),
        *("2026-11-01T24:01", "2026-11-01T10:00 CET", "2026-11-01T10:00+", "2026-11-01T10:00+99:00"),
        *("1969-12-31T23:00Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2026-11-01T10:00:00\n"),
    ],
)
def test_nothing_else_is_a_version(word: str) -> None:
    with pytest.raises(BadName, match="not a version of a level"):
        version_choice.parse_version_choice(word, BERLIN)


@pytest.mark.parametrize(
    ("word", "begin"),
    [
        ("2026-11-01", "2026-10-31T23:00:00.000000Z"),
        ("@2026-11-01T10:00", "2026-11-01T09:00:00.000000Z"),
        ("2026-11-01T10:00:07", "2026-11-01T09:00:07.000000Z"),
        ("2026-11-01T10:00:07Z", "2026-11-01T10:00:07.000000Z"),
    ],
)
def test_a_day_and_a_second_begin(word: str, begin: str) -> None:
    assert version_choice.parse_begin(word, BERLIN) == begin


@pytest.mark.parametrize("word", ["", "7", "-1", "2026-13-01", "2026-11-1x", "10:00"])
def test_nothing_else_begins(word: str) -> None:
    with pytest.raises(BadName):
        version_choice.parse_begin(word, BERLIN)

"""Durations as people write them: a number and a unit, and never nothing."""

import pytest

from envfs.core import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("15m", 900), ("1h", 3600), ("7d", 604_800), ("007s", 7), ("1000000d", 86_400_000_000)],
)
def test_durations_are_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert durations.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "5",
        "5 m",
        " 5m",
        "5M",
        "-5m",
        "+5m",
        "5.5h",
        "5m5s",
        "0s",
        "0d",
        "\N{ARABIC-INDIC DIGIT FIVE}m",
        "5m\n",
    ],
)
def test_nothing_else_is_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        durations.parse_duration(text)

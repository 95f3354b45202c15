"""When a rotation is due, and how its times are read and written."""

import pytest

from envfs.core import rotation
from envfs.core.rotation import Directives, RotationState

NOW = "2026-11-30T12:00:00.000000Z"
DAY = 86_400


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2027-01-31", "2027-02-01T00:00:00.000000Z"),
        ("2027-01-31T10:00", "2027-01-31T10:00:00.000000Z"),
        ("2027-01-31T10:00+02:00", "2027-01-31T08:00:00.000000Z"),
    ],
)
def test_an_end_is_a_day_to_its_end_or_a_time(text: str, time: str) -> None:
    assert rotation.parse_end(text) == time


@pytest.mark.parametrize("text", ["", "7", "@7", "2027-02-30", "2027-W05-1", "9999-12-31", "soon", "2027-01-31T25:00"])
def test_anything_else_is_no_end(text: str) -> None:
    with pytest.raises(ValueError, match="not a day or a time"):
        rotation.parse_end(text)


@pytest.mark.parametrize("time", ["2027-01-31T10:00:00.000000Z", "2027-01-31T09:59:01.000001Z"])
def test_an_end_is_written_to_the_minute_and_never_too_early(time: str) -> None:
    assert rotation.parse_end(rotation.written_end(time)) == "2027-01-31T10:00:00.000000Z"


def test_what_is_too_late_for_any_calendar_is_the_last_moment() -> None:
    assert rotation.later(NOW, 10**12) == "9999-12-31T23:59:59.999999Z"
    assert rotation.later(NOW, 60) == "2026-11-30T12:01:00.000000Z"


@pytest.mark.parametrize(
    ("directives", "since", "within", "state"),
    [
        (Directives(every=DAY), "2026-11-29T12:00:00.000000Z", 0, RotationState.DUE),
        (Directives(every=DAY), "2026-11-29T12:00:00.000001Z", 0, RotationState.GOOD),
        (Directives(every=DAY), "2026-11-29T12:00:00.000001Z", 1, RotationState.SOON),
        (Directives(every=DAY), "", 0, RotationState.GOOD),
        (Directives(every=rotation.NEVER), "2000-01-01T00:00:00.000000Z", DAY, RotationState.GOOD),
        (Directives(expires=NOW), NOW, 0, RotationState.EXPIRED),
        (Directives(every=9 * DAY, expires=NOW), NOW, 0, RotationState.EXPIRED),
        (Directives(overlap_until=NOW), NOW, 0, RotationState.OVER),
        (Directives(overlap_until="2026-12-01T12:00:00.000000Z"), NOW, DAY, RotationState.SOON),
        (Directives(begun=NOW), NOW, 0, RotationState.BEGUN),
        (Directives(owner="x"), NOW, DAY, RotationState.GOOD),
    ],
)
def test_the_earliest_end_decides(directives: Directives, since: str, within: int, state: RotationState) -> None:
    assert rotation.judge_rotation(directives, since, NOW, within).state is state


def test_only_what_is_not_in_order_is_due() -> None:
    assert [state.value for state in RotationState if not state.is_due] == ["soon", "good"]

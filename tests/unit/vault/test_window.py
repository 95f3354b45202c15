"""Which checkpoint is the newest where the old ones are removed, and what else may lie there."""

import pytest

from envfs.vault.window import KEPT, first_of, newest_number

_LATER = range(901, 1001)


@pytest.mark.parametrize(
    ("numbers", "seen", "expected"),
    [
        ((), 0, 0),
        ((), 7, 0),
        (range(1, 4), 0, 3),
        (range(1, 4), 3, 3),
        (range(1, 4), 2, 3),
        (_LATER, 0, 1000),
        (_LATER, 1000, 1000),
        ((1, *_LATER), 0, 1000),
        ((1, *_LATER), 1, 1),
        ((*_LATER, 99_999_999), 0, 1000),
        ((*range(1, 501), *_LATER), 0, 1000),
        ((*range(1, 501), *_LATER), 1000, 1000),
        ((*range(901, 950), *range(951, 1001)), 1000, 1000),
        ((*range(901, 960), *range(961, 1001)), 1000, 1000),
        ((*range(901, 960), *range(961, 1001)), 0, 959),
        (range(901, 1000), 1000, 999),
        ((5,), 0, 5),
    ],
)
def test_the_newest_is_the_end_of_what_was_kept(numbers: tuple[int, ...], seen: int, expected: int) -> None:
    assert newest_number(numbers, seen) == expected


def test_so_many_are_kept() -> None:
    assert [first_of(last) for last in (0, 1, KEPT, KEPT + 1, 10_000)] == [1, 1, 1, 2, 10_001 - KEPT]

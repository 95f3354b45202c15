"""65534 is ambiguous wherever some user has no number."""

import pytest

from envfs.host import user_namespace


@pytest.mark.parametrize(
    ("uid_map", "covers"),
    [
        ("         0          0 4294967295\n", True),
        ("0 0 65534\n65534 65534 4294901761\n", True),
        ("0 1000 1\n1 100000 65536\n", False),
        ("65534 65534 1\n", False),
        ("0 0 4294967294\n", False),
        ("", False),
    ],
)
def test_a_map_covers_every_uid_or_not(uid_map: str, covers: bool) -> None:
    assert user_namespace.covers_every_uid(uid_map) is covers


def test_other_numbers_stand_for_themselves() -> None:
    assert not user_namespace.stands_for_others(0)
    assert not user_namespace.stands_for_others(65533)

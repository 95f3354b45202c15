"""What is said of a process that has a value, and of one that perhaps has it."""

import pytest

from envfs.protocol import control
from envfs_cli.holders import listing
from envfs_cli.rotating import after

ROW = control.HolderRow(
    *("/shop", "/shop", 1, False, "read", "mount", 7, "x", "T", 7, "ana", "/usr/bin/app", "", "", "", "", 7),
    *("T", "T", False),
)
PERHAPS = ROW._replace(kind="descends")


@pytest.mark.parametrize(("reader", "words"), [(7, "/usr/bin/app"), (0, "/usr/bin/app"), (3, "/usr/bin/app, below 3")])
def test_a_process_is_below_the_one_that_read_if_that_is_known(reader: int, words: str) -> None:
    assert listing.about(ROW._replace(reader=reader)) == words


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((ROW,), "1 process has"),
        ((ROW, ROW), "2 processes have"),
        ((PERHAPS,), "1 process may have"),
        ((ROW, PERHAPS), "2 processes may have"),
    ],
)
def test_a_process_that_perhaps_has_the_value_may_have_it(rows: tuple[control.HolderRow, ...], words: str) -> None:
    assert after._processes(rows) == words

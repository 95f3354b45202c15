"""Two texts that were made of one: each keeps what it alone changed, and what both changed is named."""

import pytest

from envfs_cli.editing.three_way import merge_edits

BASE = "# top\nA=1\nB=2\nC=3\n"


@pytest.mark.parametrize(
    ("mine", "theirs", "text", "taken", "conflicts"),
    [
        (BASE, "# top\nA=9\nB=2\nC=3\n", "# top\nA=9\nB=2\nC=3\n", ("A",), ()),
        ("A=1\nB=7 # mine\nC=3\n", "# top\nA=9\nB=2\nC=3\n", "A=9\nB=7 # mine\nC=3\n", ("A",), ()),
        ("# top\nA=1\nB=2\nC=3\nD=4\n", f"{BASE}E=5\n", "# top\nA=1\nB=2\nC=3\nD=4\nE=5\n", ("E",), ()),
        ("# top\nA=8\nB=2\nC=3\n", "# top\nA=9\nB=2\nC=3\n", "# top\nA=8\nB=2\nC=3\n", (), ("A",)),
        ("# top\nA=9\nB=2\nC=3\n", "# top\nA=9\nB=2\nC=3\n", "# top\nA=9\nB=2\nC=3\n", (), ()),
        ("# top\nA=1\nB=5\nC=3\n", "# top\nA=1\nB=2\n", "# top\nA=1\nB=5\n", ("C",), ()),
        ("# top\nA=1\nB=2\n", "# top\nA=1\nB=2\nC=9\n", "# top\nA=1\nB=2\n", (), ("C",)),
        ("# top\nA=1\nB=2\n", "# top\nA=1\nC=3\n", "# top\nA=1\n", ("B",), ()),
        (BASE, '# top\nA="$B"\nB=2\nC=3\n', '# top\nA="$B"\nB=2\nC=3\n', ("A",), ()),
        ("# top\nA='$B'\nB=2\nC=3\n", '# top\nA="$B"\nB=2\nC=3\n', "# top\nA='$B'\nB=2\nC=3\n", (), ("A",)),
    ],
)
def test_each_variable_is_as_the_one_left_it_who_changed_it(
    mine: str, theirs: str, text: str, taken: tuple[str, ...], conflicts: tuple[str, ...]
) -> None:
    assert merge_edits(BASE, mine, theirs) == (text, taken, conflicts)

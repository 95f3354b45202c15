"""What this shell changed is taken back, and nothing that others did."""

import pytest

from envfs.errors import Conflict, EnvFSError
from envfs_cli.shell import undoing
from envfs_cli.shell.undoing import Changes, LineChange, VersionStep


def lines_of(change: LineChange, now: dict[str, int]) -> list[str]:
    return [" ".join((line.command, *line.words)) for line in undoing.undo_lines(change, now)]


def test_the_levels_that_differ_are_what_was_changed() -> None:
    found = undoing.version_steps({"/a": 1, "/b": 2, "/gone": 3}, {"/a": 1, "/b": 4, "/new": 1})
    assert found == (VersionStep("/b", 2, 4), VersionStep("/gone", 3, 0), VersionStep("/new", 0, 1))


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (LineChange((VersionStep("/a", 2, 3),)), ["rollback /a 2 --yes"]),
        (LineChange((VersionStep("/new", 0, 1),)), ["rm /new --yes"]),
        (LineChange((VersionStep("/a", 0, 1),)), ["import /dev/null /a --replace"]),
        (
            LineChange((VersionStep("/a", 2, 0), VersionStep("/a/b", 1, 0))),
            ["rollback /a/b 1 --yes", "rollback /a 2 --yes"],
        ),
        (LineChange((VersionStep("/a", 2, 0), VersionStep("/c", 0, 4)), ("/a", "/c")), ["mv /c /a"]),
    ],
)
def test_a_change_is_taken_back_by_lines_of_the_grammar(change: LineChange, lines: list[str]) -> None:
    assert lines_of(change, {"/a": 3, "/a/below": 1, "/new": 1}) == lines


def test_each_undo_takes_back_the_change_before() -> None:
    made = Changes()
    made.note(LineChange((VersionStep("/a", 1, 2),)))
    made.note(LineChange(()))
    made.note(LineChange((VersionStep("/a", 2, 3),)))
    assert made.newest({"/a": 3}).levels == (VersionStep("/a", 2, 3),)
    made.taken_back({"/a": 4})
    assert made.newest({"/a": 4}).levels == (VersionStep("/a", 1, 4),)
    made.taken_back({"/a": 5})
    with pytest.raises(EnvFSError, match="changed nothing"):
        made.newest({"/a": 5})


@pytest.mark.parametrize("now", [{"/a": 4}, {}])
def test_what_somebody_else_changed_meanwhile_is_left_as_it_is(now: dict[str, int]) -> None:
    made = Changes()
    made.note(LineChange((VersionStep("/a", 2, 3),)))
    with pytest.raises(Conflict):
        made.newest(now)

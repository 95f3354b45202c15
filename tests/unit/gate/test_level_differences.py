"""What successive changes come to: only what stands at both ends counts."""

from envfs.gate.level_differences import sum_of_changes
from envfs.protocol.answers import ChangedNames, VersionChange


def change(added: str = "", changed: str = "", removed: str = "") -> VersionChange:
    return VersionChange(1, "author", tuple(added), tuple(changed), tuple(removed))


def test_changes_come_to_what_differs_at_the_ends() -> None:
    assert sum_of_changes(()) == ChangedNames((), (), ())
    assert sum_of_changes((change("A"), change("B", "A"), change("", "", "C"))) == ChangedNames(("A", "B"), (), ("C",))
    assert sum_of_changes((change("A"), change("", "", "A"))) == ChangedNames((), (), ())
    assert sum_of_changes((change("", "", "A"), change("A"))) == ChangedNames((), ("A",), ())
    assert sum_of_changes((change("", "A"), change("", "", "A"))) == ChangedNames((), (), ("A",))


def test_on_the_way_back_what_was_added_is_removed() -> None:
    assert sum_of_changes((change("A", "B", "C"),), is_reversed=True) == ChangedNames(("C",), ("B",), ("A",))

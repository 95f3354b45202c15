"""One variable on its way back through versions, each of which may have changed more than that."""

from envfs.core.access.face import Face
from envfs.gate.version_changes import HistoryFace, NameTrail
from envfs.protocol.answers import Renaming, VersionChange


def change(
    version: int, *, added: tuple[str, ...] = (), changed: tuple[str, ...] = (), removed: tuple[str, ...] = ()
) -> VersionChange:
    return VersionChange(version, "author", added, changed, removed, "set", message="why")


def renaming(version: int, before: str, now: str) -> VersionChange:
    return change(version, added=(now, "X"), removed=(before,))._replace(renamed=(Renaming(before, now),))


def test_what_else_a_version_changed_is_left_out() -> None:
    followed = NameTrail("A").followed(change(1, added=("A", "B"), changed=("C",), removed=("D",)))
    assert followed == change(1, added=("A",))
    assert NameTrail("E").followed(change(1, added=("A", "B"), changed=("C",))) is None


def test_a_name_goes_on_under_the_one_before_and_another_variable_of_that_name_does_not() -> None:
    trail = NameTrail("NEW")
    assert trail.followed(change(5, changed=("OLD",))) is None  # another one, that was set anew
    assert trail.followed(renaming(4, "OLD", "NEW")) == change(4, added=("NEW",), removed=("OLD",))._replace(
        renamed=(Renaming("OLD", "NEW"),)
    )
    assert trail.followed(change(3, changed=("NEW",))) is None
    assert trail.followed(change(2, changed=("OLD",))) == change(2, changed=("OLD",))


def test_a_variable_that_was_renamed_away_is_followed_from_there() -> None:
    trail = NameTrail("OLD")
    assert trail.followed(change(5, changed=("NEW",))) is None
    assert trail.followed(renaming(4, "OLD", "NEW")) is not None
    assert trail.followed(change(3, changed=("OLD",))) is not None


def test_faces_take_names_and_messages_away_and_never_add_any() -> None:
    whole = renaming(2, "A", "B")._replace(operation="import")
    everything = HistoryFace((Face(), Face()), has_values=True, has_messages=True)
    assert everything.shown(whole) == whole
    assert everything._replace(has_messages=False).shown(whole) == whole._replace(message="")
    assert everything._replace(has_values=False).shown(whole) == whole._replace(renamed=())
    assert everything._replace(names=None).shown(whole) == VersionChange(
        2, "author", (), (), (), "import", message="why"
    )
    assert everything._replace(names=(Face(), Face(only=("B",)))).shown(whole) == VersionChange(
        2, "author", ("B",), (), (), "import"
    )

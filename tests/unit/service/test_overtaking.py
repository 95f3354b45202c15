"""The names that the newest versions of a level changed."""

from envfs.service.overtaking import Overtaken, RecentChanges


def test_of_several_versions_the_newest_is_named() -> None:
    recent = RecentChanges()
    for version, names in ((2, "AB"), (3, "B"), (4, "C")):
        recent.add("/shop", version, names)
    assert recent.since("/shop", 1, "AB") == (Overtaken("A", 2), Overtaken("B", 3))
    assert recent.since("/shop", 2, "ABC") == (Overtaken("B", 3), Overtaken("C", 4))
    assert recent.since("/shop", 4, "ABC") == recent.since("/other", 0, "ABC") == ()


def test_what_is_not_remembered_is_missing() -> None:
    recent = RecentChanges()
    assert list(recent.missing("/shop", 3, 5)) == [3, 4]
    recent.add("/shop", 3, "A")
    assert list(recent.missing("/shop", 2, 6)) == [2, 3, 4, 5]
    assert list(recent.missing("/shop", 3, 4)) == []
    assert list(recent.missing("/shop", 1, 1000)) == list(range(936, 1000))


def test_memory_is_bounded_and_the_levels_written_last_are_remembered() -> None:
    recent = RecentChanges()
    for number in range(1000):
        recent.add(f"/{number % 300}", number, "A")
        recent.add("/busy", number, "A")
    assert len(recent._levels) == 256
    assert len(recent._levels["/busy"]) == 64
    assert recent.since("/busy", 998, "A") == (Overtaken("A", 999),)

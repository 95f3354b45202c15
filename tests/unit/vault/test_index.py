"""What the index lacks, and what it has too much."""

from envfs.vault.index import index_differences


def test_a_level_and_a_project_without_one_are_due() -> None:
    missing, idle = index_differences(set(), ["level", "level/shop/prod", "key/shop", "key", "log/0123456789abcdef"])
    assert missing == ("tree/@", "tree/shop/@", "tree/shop/prod/@")
    assert idle == ()


def test_a_project_with_a_level_is_there_by_that() -> None:
    assert index_differences({"tree/shop/prod/@"}, ["level/shop/prod", "key/shop"]) == ((), ())


def test_what_has_nothing_at_or_below_it_is_idle() -> None:
    assert index_differences({"tree/shop/@", "tree/gone/@"}, ["key/shop"]) == ((), ("tree/gone/@",))

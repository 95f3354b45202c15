"""What the index lacks, and what it has too much."""

from hypothesis import given
from hypothesis import strategies as st

from envfs.vault.index import index_differences

PATHS = st.sampled_from(("", "/a", "/a/b", "/a/b/c", "/ab", "/ab/c", "/b"))


def test_a_level_and_a_project_without_one_are_due() -> None:
    missing, idle = index_differences(set(), ["level", "level/shop/prod", "key/shop", "key", "log/0123456789abcdef"])
    assert missing == ("tree/@", "tree/shop/@", "tree/shop/prod/@")
    assert idle == ()


def test_a_project_with_a_level_is_there_by_that() -> None:
    assert index_differences({"tree/shop/prod/@"}, ["level/shop/prod", "key/shop"]) == ((), ())


def test_what_has_nothing_at_or_below_it_is_idle() -> None:
    assert index_differences({"tree/shop/@", "tree/gone/@"}, ["key/shop"]) == ((), ("tree/gone/@",))


@given(st.frozensets(PATHS), st.frozensets(st.tuples(st.sampled_from(("level", "key")), PATHS)))
def test_each_key_is_held_against_all_that_is_at_or_below_it(
    there: frozenset[str], backed: frozenset[tuple[str, str]]
) -> None:
    missing, idle = index_differences({f"tree{path}/@" for path in there}, [f"{top}{path}" for top, path in backed])
    due = {path for top, path in backed if top == "level"}
    due |= {path for top, path in backed if path and not any(f"{other}/".startswith(f"{path}/") for other in there)}
    assert set(missing) == {f"tree{path}/@" for path in due - there}
    with_none = {path for path in there if not any(f"{other}/".startswith(f"{path}/") for _, other in backed)}
    assert set(idle) == {f"tree{path}/@" for path in with_none - {""}}

"""The keys that machines share are told from all other texts (docs/format.md §3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.core import shared_keys


@pytest.mark.parametrize(
    ("key", "is_shared"),
    [
        *(("vault.toml", True), ("member/@00000001.json", True), ("member/a/@00000001.json", False)),
        *(("key/@00000001.age", True), ("key/shop/@00000001.age", True), ("key/a/b/@00000001.age", False)),
        *(("level/@00000001.json", True), ("level/a/b/@123456789.json", True), ("level/a/@0000001.json", False)),
        *(("tombstone/key/shop/@00000001.json", True), ("tombstone/level/@00000001.json", True)),
        *(("tombstone/@00000001.json", False), ("tombstone/member/@00000001.json", False)),
        *(("tree/a/@", False), ("log/0123456789abcdef/@00000001.json", False), ("level/a/@00000000.json", True)),
        *(("level/../a/@00000001.json", False), ("level//@00000001.json", False), ("/level/@00000001.json", False)),
    ],
)
def test_a_key_is_shared_or_not(key: str, is_shared: bool) -> None:
    assert shared_keys.is_shared_key(key) is is_shared


@given(st.text(alphabet="./@-_a0\0\n é%", max_size=30))
def test_no_text_that_is_taken_leaves_its_folder(text: str) -> None:
    key = f"level/{text}/@00000001.json"
    if shared_keys.is_shared_key(key):
        assert all(part and not part.startswith(".") and "\0" not in part for part in key.split("/"))


def test_the_newest_numbers_are_those_of_each_stream() -> None:
    keys = ["vault.toml", "level/a/@00000002.json", "level/a/@00000010.json", "key/@00000001.age", "tree/a/@"]
    assert shared_keys.newest_numbers(keys) == {"level/a": 10, "key": 1}

"""A word that is no version is answered with the one that was meant, in a command that works as it stands."""

from datetime import datetime

import pytest

from envfs.errors import BadName
from envfs_cli import meant_versions
from envfs_cli.level_versions import dated_level

NOW = datetime(2026, 11, 30, 20, 2)  # noqa: DTZ001 - the person's zone


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("v2", "/shop@2"),
        ("#2", "/shop@2"),
        ("HEAD~1", "/shop@-1"),
        ("2026-11-30", "/shop@2026-11-30T00:00"),
        ("yesterday", "/shop@2026-11-29T20:02"),
        ("2h", "/shop@2026-11-30T18:02"),
        ("3d-ago", "/shop@2026-11-27T20:02"),
        ("latest", "/shop"),
        ("", "/shop"),
    ],
)
def test_what_is_meant_is_offered_and_can_be_read(word: str, meant: str) -> None:
    assert meant_versions.version_hint("/shop", word, NOW).startswith(f"did you mean {meant}? ")
    dated_level(meant)
    with pytest.raises(BadName):
        dated_level(f"/shop@{word}")


@pytest.mark.parametrize("word", ["nonsense", "1.5", "--3", "2026-13"])
def test_otherwise_it_says_what_a_version_is(word: str) -> None:
    hint = meant_versions.version_hint("/shop", word, NOW)
    assert "did you mean" not in hint
    for example in ("/shop@2", "/shop@-1", "/shop@2026-11-30T20:02"):
        assert f" {example}" in hint
        dated_level(example)


@pytest.mark.parametrize(
    ("word", "words"),
    [("3..5", "@3 @5"), ("3..@5", "@3 @5"), ("-2...-1", "@-2 @-1"), ("3..", "@3"), ("..", "@-1"), ("a..b", "@-1")],
)
def test_two_versions_in_one_word_are_offered_as_two(word: str, words: str) -> None:
    assert meant_versions.range_hint("/shop", word) == f"two versions are two words: `envfs diff /shop {words}`"
    with pytest.raises(BadName) as failure:
        dated_level(f"/shop@{word}")
    assert f"`envfs diff /shop {words}`" in failure.value.hint


def test_what_is_no_level_is_not_repeated() -> None:
    with pytest.raises(BadName) as failure:
        dated_level("postgres://app:hunter2@db")
    assert "hunter2" not in f"{failure.value.text} {failure.value.hint}"

"""The ways in which others failed with shared secrets are tests here, each named after its number."""

import re
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_STORIES = 20


def test_every_story_of_a_failure_is_a_test() -> None:
    texts = (path.read_text(encoding="utf-8") for path in _TESTS.rglob("test_*.py"))
    told = {int(number) for text in texts for number in re.findall(r"^def test_story_(\d\d)_", text, re.MULTILINE)}
    assert told == set(range(1, _STORIES + 1))

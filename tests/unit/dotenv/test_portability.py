"""Which values are doubtful and which names are dangerous; no sentence quotes a value."""

import random
import tomllib

import pytest

from envfs.dotenv.portability import portability_doubts
from tests.dialects import classes, promises


@pytest.mark.parametrize(
    ("value", "has"),
    [
        ("", ()),
        ("plain", ()),
        ("two words # and 'more'", ()),
        ('{"a": 1}', ()),
        ("$(reboot)", ("$( )",)),
        ("it's $(reboot)", ("$( )", "' and $( )", "' and $")),
        ("$(reboot)\r", ("$( )", "a carriage return and $( )", "a carriage return")),
        ("$(reboot)\\", ("$( )", "$( ) and a backslash at the end", "a backslash at the end")),
        ("$(reboot)\n", ("$( )", "a line break and $( )", "a line break and $", "a line break")),
        ("it's\n$(x)", ("$( )", "' and $( )", "' and $", "a line break and $", "a line break")),
        ("a\rb", ("a carriage return",)),
        ("C:\\", ("a backslash at the end",)),
        ('it\'s "so"', ("' and \"",)),
        ("it's a\\b", ("' and a backslash",)),
        ("it's `so`", ("' and a backtick",)),
        ("a\\\\b", ("two backslashes",)),
        ("${A}", ("${",)),
        ("$A", ("$ before a letter or digit",)),
        ("5$", ()),
        ("a\nb", ("a line break",)),
    ],
)
def test_what_is_doubtful(value: str, has: tuple[str, ...]) -> None:
    assert tuple(doubt.has for doubt in portability_doubts(value)) == has


NAMED = {
    **dict.fromkeys(("python-dotenv", "python-dotenv-raw", "python-dotenv-1.2.2"), "python-dotenv"),
    **{name: name for name in ("decouple", "starlette", "direnv", "godotenv", "deno", "bun", "dotenvx", "c12", "uv")},
    **dict.fromkeys(("node-20", "node-24", "dotenv-16", "dotenv-18"), "node"),
    "ruby-dotenv-3": "ruby",
    "ruby-dotenv": "ruby",
    "compose-1": "compose",
    "dotenvy": "dotenvy",
    "foreman": "foreman",
}


@pytest.mark.parametrize("parser", NAMED)
def test_a_reader_that_loses_a_class_of_values_is_named_for_each_of_them(parser: str) -> None:
    lost = tomllib.loads(promises.FILE.read_text(encoding="utf-8"))["portable"][parser].get("lost", ())
    for kind in lost:
        value = classes.ALL[kind](random.Random(kind))
        assert any(NAMED[parser] in doubt.who for doubt in portability_doubts(value)), (kind, value)


def test_only_what_somebody_runs_is_said_to_run() -> None:
    assert [doubt.runs for doubt in portability_doubts("it's $(x)")] == [True, True, False]


def test_no_sentence_quotes_the_value() -> None:
    assert not [
        doubt.text
        for doubt in portability_doubts("it's $(hunter2) `\\\\ \"\r\n${hunter2}\\")
        if "hunter2" in doubt.text
    ]

"""The words of a tool never show the value that it was given, in whichever of the usual forms they have it."""

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs_cli.pushing.hidden_values import hide_values

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="•"), min_size=6, max_size=30).filter(
    lambda value: len(value.strip()) >= 6
)


@pytest.mark.law
@given(VALUES, st.sampled_from([str, json.dumps, urllib.parse.quote, urllib.parse.quote_plus]))
def test_no_form_of_a_value_is_left(value: str, form: object) -> None:
    said = form(value)  # type: ignore[operator]
    shown = hide_values(f"error: {said}; base64 {base64.b64encode(value.encode()).decode()}", [value])
    assert value not in shown
    assert base64.b64encode(value.encode()).decode().rstrip("=") not in shown


@pytest.mark.parametrize(
    "form",
    [r"a\u003cb\u003e\u0026c/d", r"a<b>&c\/d", "a%3Cb%3E%26c/d", "a%3cb%3e%26c%2fd"],
    ids=["Go", "PHP", "path", "%2f"],
)
def test_json_and_addresses_are_hidden_as_other_programs_write_them(form: str) -> None:
    assert hide_values(f"got {form}", ["a<b>&c/d"]) == "got ••••••"


def test_lines_of_a_value_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIBVQ\nabc\n-----END KEY-----\n"
    shown = hide_values("parse error at MIIBVQ\nafter -----BEGIN KEY-----", [key])
    assert shown == "parse error at ••••••\nafter ••••••"


def test_words_with_a_value_that_is_too_short_to_be_hidden_are_not_shown() -> None:
    assert "not shown" in hide_values("it has 7 of 9", ["7"])
    assert hide_values("no number here", ["7"]) == "no number here"
    assert hide_values("as it was", ["", "swordfish"]) == "as it was"


def test_a_value_within_another_is_hidden_with_it() -> None:
    assert hide_values("got swordfish-2", ["swordfish", "swordfish-2"]) == "got ••••••"

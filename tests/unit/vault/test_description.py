"""`vault.toml`: what a vault says of itself in the open."""

import pytest

from envfs.errors import NoVault, UnsupportedFormat
from envfs.vault import description
from envfs.vault.description import Description

ABOUT = Description("id-1", "2026-11-21T08:09:10.123456Z", "age1x", "c2ln")
TEXT = description.render_description(ABOUT).decode()


def test_a_description_comes_back() -> None:
    assert description.parse_description(TEXT.encode()) == ABOUT


def test_it_is_the_text_of_the_format() -> None:
    lines = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
    assert lines == [
        "format = 1",
        'id = "id-1"',
        'created = "2026-11-21T08:09:10.123456Z"',
        "[owner]",
        'recipient = "age1x"',
        'signing_key = "c2ln"',
    ]


@pytest.mark.parametrize("number", ["0", "2", "-1", "99", "true", "false", "1.0", '"1"', "[1]", "2026-01-01"])
def test_any_other_format_is_refused(number: str) -> None:
    with pytest.raises(UnsupportedFormat):
        description.parse_description(TEXT.replace("format = 1", f"format = {number}").encode())


def test_a_description_without_a_format_is_refused() -> None:
    with pytest.raises(UnsupportedFormat):
        description.parse_description(TEXT.replace("format = 1", "").encode())


def test_a_newer_format_is_named() -> None:
    with pytest.raises(UnsupportedFormat, match="format 2"):
        description.parse_description(TEXT.replace("format = 1", "format = 2").encode())


WRONG = {
    "nothing": b"",
    "no toml": b"hunter2",
    "no utf-8": b"\xff",
    "utf-16": TEXT.encode("utf-16"),
    "deep nesting": f"x = {'[' * 5000}{']' * 5000}\n{TEXT}".encode(),
    "a number without end": f"x = {'9' * 5000}\n{TEXT}".encode(),
    "no owner": TEXT.partition("[owner]")[0].encode(),
    "an owner that is a text": TEXT.partition("[owner]")[0].encode() + b'owner = "me"\n',
    "an id that is a number": TEXT.replace('"id-1"', "7").encode(),
    "a key that is a list": TEXT.replace('"c2ln"', '["c2ln"]').encode(),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG)
def test_what_is_no_description_is_refused_and_not_quoted(data: bytes) -> None:
    with pytest.raises((NoVault, UnsupportedFormat)) as caught:
        description.parse_description(data)
    assert "hunter2" not in str(caught.value) + caught.value.hint

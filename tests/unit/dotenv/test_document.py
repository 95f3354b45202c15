"""Dotenv text: read by the dialect's rules, kept to the letter, changed in one place."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from envfs.core import limits
from envfs.dotenv.document import parse_document
from envfs.errors import AlreadyExists, BadName, Malformed, NoSuchVariable, TooLarge

VECTORS = Path(__file__).parents[2] / "vectors" / "dotenv"
CASES = sorted(path.stem for path in VECTORS.glob("*.env"))


def load(case: str) -> tuple[str, dict[str, Any]]:
    text = (VECTORS / f"{case}.env").read_bytes().decode()
    return text, json.loads((VECTORS / f"{case}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_a_vector_is_read_as_it_says(case: str) -> None:
    text, wanted = load(case)
    if "malformed" in wanted:
        with pytest.raises(Malformed) as caught:
            parse_document(text)
        assert [caught.value.line, caught.value.column] == wanted["malformed"]
        return
    document = parse_document(text)
    assert document.render() == text
    assert document.variables() == wanted["variables"]
    assert [[fault.line, fault.column] for fault in document.faults] == wanted.get("faults", [])
    assert list(document.duplicates()) == wanted.get("duplicates", [])


def test_there_are_vectors() -> None:
    assert len(CASES) > 50


def test_check_refuses_the_first_fault_with_its_place_and_none_of_its_text() -> None:
    document = parse_document("A=1\n  hunter2 hunter2\nB-C=2\n")
    with pytest.raises(Malformed) as caught:
        document.check()
    assert (caught.value.line, caught.value.column) == (2, 3)
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_check_accepts_a_text_without_faults() -> None:
    parse_document("# x\nexport A='1' # y\n\n").check()


@pytest.mark.parametrize("text", ['A="hunter2', "A='hunter2\nB='hunter2'\n", "A=hunter2\0"])
def test_a_refusal_quotes_nothing(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_document(text)
    assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("text", ["A=1\0", "A=\ud800", "\udfff"])
def test_characters_that_no_environment_holds_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_document(text)


def test_no_repr_shows_a_value() -> None:
    document = parse_document("A=hunter2\nhunter2 hunter2\nB='hunter2'\n# hunter2\n")
    shown = f"{document} {document!r} {document.entries!r} {document.entries} {document.faults!r}"
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("A=1\n", "2", "A=2\n"),
        ("export A=1 # why\n", "2", "export A=2 # why\n"),
        ("  A = 1  \n", "2", "  A = 2  \n"),
        ("A='1'\t# why\n", "2", "A='2'\t# why\n"),
        ('A="1"#why\n', "2", 'A="2"#why\n'),
        ('A="1"', 'say "$x"', 'A="say \\"\\$x\\""'),
        ("A='1'\n", "it's", 'A="it\'s"\n'),
        ("A='1'\n", "x\\", 'A="x\\\\"\n'),
        ("A=1 # why\n", "two words", "A='two words' # why\n"),
        ("A=\n", "1", "A=1\n"),
        ("A=#why\n", "1", "A=1 #why\n"),
        ("A= # why\n", "1", "A=1 # why\n"),
        ("A=#why\n", "", 'A="" #why\n'),
        ("A=1\n", "", "A=\n"),
        ("A = 1\n", "", 'A = ""\n'),
        ("A=1 # why\n", "", 'A="" # why\n'),
        ("A=1\nB=1\nA=1\n", "2", "A=1\nB=1\nA=2\n"),
        ('A="1\n2"\nB=1\n', "3", 'A="3"\nB=1\n'),
        ("A=1\r\nB=2\r\n", "2", "A=2\r\nB=2\r\n"),
        ("\ufeffA=1\n", "2", "\ufeffA=2\n"),
        ("A=$(x) # why\n", "$HOME", "A='$HOME' # why\n"),
    ],
)
def test_set_changes_the_last_assignment_in_place(before: str, value: str, after: str) -> None:
    changed = parse_document(before).set("A", value)
    assert changed.render() == after
    assert changed.variables()["A"] == value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "A=1\n"),
        ("# x\n", "# x\nA=1\n"),
        ("B=2", "B=2\nA=1\n"),
        ("B=2\r\nC=3", "B=2\r\nC=3\r\nA=1\r\n"),
        ("B=2\r", "B=2\rA=1\n"),
        ("  ", "  \nA=1\n"),
        ("\ufeff", "\ufeffA=1\n"),
        ("# A=0", "# A=0\nA=1\n"),
    ],
)
def test_set_adds_a_line_for_a_new_name(before: str, after: str) -> None:
    assert parse_document(before).set("A", "1").render() == after


def test_set_refuses_a_name_outside_the_grammar() -> None:
    with pytest.raises(BadName):
        parse_document("my.key=1\n").set("my.key", "2")


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_set_refuses_a_value_that_no_environment_holds(value: str) -> None:
    with pytest.raises(Malformed):
        parse_document("").set("A", value)


def test_unset_removes_every_assignment_and_no_comment() -> None:
    document = parse_document("\ufeff# a\nA=1\n# b\nB=2\nexport A='x\ny' # c\n# d\n")
    assert document.unset("A").render() == "\ufeff# a\n# b\nB=2\n# d\n"


def test_unset_removes_a_name_that_set_would_refuse() -> None:
    assert parse_document("my.key=1\nB=2\n").unset("my.key").render() == "B=2\n"


def test_unset_refuses_a_name_that_is_not_there() -> None:
    with pytest.raises(NoSuchVariable):
        parse_document("# A=1\nA\n").unset("A")


def test_a_dollar_that_was_escaped_is_told_from_one_that_was_not() -> None:
    entries = parse_document('A="$x \\$y \\\\$z"\nB=$x\\$y\n').entries
    assert [(entry.value, entry.literal) for entry in entries] == [("$x $y \\$z", (3,)), ("$x$y", (2,))]


def test_an_entry_tells_its_line_quote_and_export() -> None:
    entries = parse_document("# x\n\nexport A='1\n2'\nB=1\n").entries
    assert [(entry.line, entry.name, entry.quote, entry.exported) for entry in entries] == [
        (1, None, "", False),
        (3, "A", "'", True),
        (5, "B", "", False),
    ]


def test_limits_hold_to_the_byte() -> None:
    name, value = "N" * limits.NAME_BYTES, "é" * (limits.VALUE_BYTES // 2)
    assert parse_document(f"{name}={value}\n").variables() == {name: value}
    assert parse_document("#" * limits.TEXT_BYTES).variables() == {}


@pytest.mark.parametrize(
    "text",
    [
        "N" * (limits.NAME_BYTES + 1) + "=1\n",
        "A=" + "é" * (limits.VALUE_BYTES // 2) + "x\n",
        "A='" + "x" * (limits.VALUE_BYTES + 1) + "'\n",
        "#" * (limits.TEXT_BYTES + 1),
        "é" * (limits.TEXT_BYTES // 2 + 1),
    ],
)
def test_over_a_limit_is_refused(text: str) -> None:
    with pytest.raises(TooLarge):
        parse_document(text)


def test_set_refuses_a_value_over_the_limit() -> None:
    with pytest.raises(TooLarge):
        parse_document("").set("A", "x" * (limits.VALUE_BYTES + 1))


@pytest.mark.parametrize(
    "unit",
    ['"', "'", "\\", "`", "$", " ", "\n", "\r", "\r\n", "#\n", " # ", "=", "=\n", "A=\n", "A", "A \n", "export ",
     'A="\n', "A='\n", 'A="', 'A="\\"\n', 'A="\\\\"\n', 'A="x" y\n', "A=\\$\\$\n", "A= x #\n", "a.b='\n'\n"],
)  # fmt: skip
@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.soak)])
def test_a_long_text_of_anything_is_read_in_one_pass(unit: str, share: int) -> None:
    text = unit * (limits.TEXT_BYTES // share // len(unit))
    start = time.process_time()
    with suppress(Malformed, TooLarge):
        assert parse_document(text).render() == text
    assert time.process_time() - start < 8  # a second or two for all of it, and hours with a quadratic reader


@pytest.mark.parametrize(("opening", "unit"), [('A="', "\\"), ('A="', '\\"'), ('A="', "\n"), ("A=", " "), ("", " A")])
def test_a_long_value_is_read_in_one_pass(opening: str, unit: str) -> None:
    text = opening + unit * ((limits.TEXT_BYTES - 9) // len(unit)) + "x"
    start = time.process_time()
    with suppress(Malformed, TooLarge):
        parse_document(text)
    assert time.process_time() - start < 8


def test_rename_changes_the_name_in_every_assignment_and_nothing_else() -> None:
    text = "# OLD\nexport  OLD = 'a' # OLD\nX=${OLD}\nOLD=\"b\nOLD=1\"\n"
    assert parse_document(text).rename("OLD", "NEWER").render() == (
        "# OLD\nexport  NEWER = 'a' # OLD\nX=${OLD}\nNEWER=\"b\nOLD=1\"\n"
    )


def test_rename_gives_a_name_that_was_never_ours_one_that_is() -> None:
    assert parse_document("my.key=1\n").rename("my.key", "MY_KEY").render() == "MY_KEY=1\n"


@pytest.mark.parametrize(
    ("old", "new", "error"), [("C", "D", NoSuchVariable), ("A", "B", AlreadyExists), ("A", "b-c", BadName)]
)
def test_rename_refuses_what_cannot_be(old: str, new: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_document("A=1\nB=2\n").rename(old, new)

"""Every refusal has one code and one exit status, and survives the way from one process to another."""

import pytest

from envfs import errors
from envfs.errors import BY_CODE, EnvFSError, Malformed, NotApproved, from_code

KINDS = sorted(BY_CODE.values(), key=lambda kind: kind.status)


def test_every_class_of_the_module_is_in_the_table() -> None:
    defined = {found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, EnvFSError)}
    assert set(KINDS) == defined


def test_no_two_classes_share_a_code_or_a_status() -> None:
    assert len({kind.code for kind in KINDS}) == len({kind.status for kind in KINDS}) == len(KINDS) > 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_codes_are_lower_case_words_and_statuses_leave_room_for_commands_and_signals(kind: type[EnvFSError]) -> None:
    assert all(word.isalpha() and word.islower() for word in kind.code.split("-"))
    assert 100 <= kind.status <= 125


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_an_error_of_another_process_comes_back_as_what_it_was(kind: type[EnvFSError]) -> None:
    error = from_code(kind.code, "not so", "but so")
    assert type(error) is kind
    assert (error.text, error.hint, str(error), error.status) == ("not so", "but so", "not so", kind.status)


def test_a_malformed_text_that_another_process_reported_has_all_its_attributes() -> None:
    sent = Malformed("a quote is opened", "close it", 3, 7)
    error = from_code(sent.code, sent.text, sent.hint)
    assert isinstance(error, Malformed)
    assert error.text == "line 3, column 7: a quote is opened"
    assert isinstance(error.line, int)
    assert isinstance(error.column, int)


@pytest.mark.parametrize("code", ["", "no-such-code", "Failed", "NOT-APPROVED"])
def test_an_unknown_code_becomes_a_plain_error(code: str) -> None:
    error = from_code(code, "something", "")
    assert type(error) is EnvFSError
    assert error.text == "something"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Malformed("bad", "", 2, 5), "line 2, column 5: bad"),
        (Malformed("bad"), "bad"),
        (NotApproved("no", "ask"), "no"),
    ],
)
def test_the_text_names_the_place_if_there_is_one(error: EnvFSError, text: str) -> None:
    assert error.text == str(error) == text


def test_a_malformed_text_says_where() -> None:
    error = Malformed("bad", "", 2, 5)
    assert (error.line, error.column) == (2, 5)

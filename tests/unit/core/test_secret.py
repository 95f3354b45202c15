"""A secret shows itself to nobody by accident."""

import copy
import json
import pickle

import pytest

from envfs.core.secret import Secret

SECRET = Secret("hunter2")


WAYS: dict[str, str] = {
    "repr": repr(SECRET),
    "str": str(SECRET),
    "f-string": f"{SECRET}",
    "conversions": f"{SECRET!r} {SECRET!s}",
    "a specification": f"{SECRET:>40}",
    "containers": f"{[SECRET]} { {'a': SECRET} } {(SECRET,)}",
    "percent": "%s %r" % (SECRET, SECRET),  # noqa: UP031 - the old way is a way too
    "an exception's repr": repr(ValueError(SECRET)),
    "an exception's text": str(ValueError(SECRET)),
}


@pytest.mark.parametrize("shown", WAYS.values(), ids=WAYS)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert "hunter2" not in shown
    assert "Secret(…)" in shown


def test_reveal_is_the_way_out() -> None:
    assert SECRET.reveal() == "hunter2"


@pytest.mark.parametrize(
    "spill",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, list],
    ids=["pickle", "copy", "deepcopy", "json", "vars", "list"],
)
def test_nothing_else_gets_it_out(spill: object) -> None:
    with pytest.raises(TypeError) as caught:
        spill(SECRET)  # type: ignore[operator]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "a", "\udcff", "é", b"", b"\0\xff"], ids=ascii)
def test_text_and_bytes_are_kept_as_they_are(content: str | bytes) -> None:
    made = Secret(content)
    assert made.reveal() == content
    assert made == Secret(content)
    assert "Secret(…)" in f"{made}"


def test_a_text_and_its_bytes_are_two_secrets() -> None:
    assert Secret("a") != Secret(b"a")


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(mine: bytes, others: bytes) -> bool:
        compared.append((mine, others))
        return False

    monkeypatch.setattr("envfs.core.secret.compare_digest", compare)
    assert Secret("abc") != Secret("abd")
    assert Secret(b"abc") != Secret(b"x")
    assert compared == [(b"abc", b"abd"), (b"abc", b"x")]


def test_equal_secrets_are_equal_and_meet_in_a_set() -> None:
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize("other", ["hunter2", Secret("hunter3"), None, 7, b"hunter2!"])
def test_it_equals_no_other_secret_and_no_plain_text(other: object) -> None:
    assert other != SECRET
    assert not other == SECRET  # noqa: SIM201 - both operators are asked


def test_it_takes_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        SECRET.note = "x"  # type: ignore[attr-defined]

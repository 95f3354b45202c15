"""Notes: what is sealed is what is read, in lengths that tell little."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envfs.core import limits, notes
from envfs.core.notes import Note
from envfs.errors import AuthenticationFailed, EnvFSError, Malformed, TooLarge

words = st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True)
letters = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029")
messages = st.text(letters | st.sampled_from('\n\t"\\'), max_size=300)
every_note = st.builds(Note, st.just("") | words, st.integers(0, 10**9), st.just("") | st.just("/shop"), messages)


@given(every_note)
def test_a_note_comes_back(note: Note) -> None:
    plain = notes.render_note(note)
    assert notes.parse_note(plain) == note
    assert len(plain) % 128 == 0
    assert plain.rstrip(b" ").endswith(b"}")


@given(st.sampled_from(["set", "unset", "rename", "import", "replace", "rollback", "reseal"]), st.integers(1, 10**9))
def test_without_a_message_all_operations_are_of_one_length(operation: str, version: int) -> None:
    note = Note(operation, version if operation == "rollback" else 0)
    assert len(notes.render_note(note)) == 128


@given(messages)
@example('"' * limits.MESSAGE_BYTES)
@example("\n" * limits.MESSAGE_BYTES)
@example("é" * (limits.MESSAGE_BYTES // 2))
@example("x" * (limits.MESSAGE_BYTES + 1))
def test_every_message_that_is_allowed_fits(message: str) -> None:
    try:
        notes.check_message(message)
    except TooLarge:
        assert len(message.encode()) > limits.MESSAGE_BYTES
        return
    note = Note("rollback", 10**9, "/" + "x" * 64, message)
    assert len(notes.render_note(note)) <= limits.NOTE_BYTES
    assert notes.parse_note(notes.render_note(note)) == note


@given(st.text(max_size=60))
def test_no_message_can_speak_to_a_terminal(message: str) -> None:
    try:
        notes.check_message(message)
    except (Malformed, TooLarge):
        return
    assert all(letter in "\n\t" or letter.isprintable() or not letter.isascii() for letter in message)
    assert not {"\x1b", "\x9b", "\r", "\0", "\x7f", "\x85", "\u2028"} & {*message}


@given(every_note, st.dictionaries(st.sampled_from(["parents", "tool", "x"]), st.integers() | st.text(max_size=5)))
def test_what_a_later_release_adds_is_passed_over(note: Note, more: dict[str, object]) -> None:
    body = {**json.loads(notes.render_note(note)), **more}
    assert notes.parse_note(json.dumps(body).encode()) == note


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff",
        b'{"op":7}',
        b'{"op":null}',
        b'{"version":true}',
        b'{"version":-1}',
        b'{"version":"1"}',
        b'{"version":1.0}',
        b'{"op":"SET"}',
        b'{"op":"set\\u001b"}',
        b'{"op":"' + b"x" * 33 + b'"}',
        b'{"message":[]}',
        b"[" * 100_000,
        b"[" * 5_000,
        b'{"message":"\\ud800"}',
        b'{"level":"\\udfff"}',
        b'{"message":"' + b"x" * 2001 + b'"}',
        b'{"level":"' + b"x" * 1041 + b'"}',
        b'{"level":"shop"}',
        b'{"level":"/a/../b"}',
        b'{"level":"/a\\n"}',
        b'{"message":"\\u001b[2J"}',
        b'{"message":"\\u009b2J"}',
        b'{"message":"a\\rb"}',
        b'{"version":1000000000000}',
        b'{"op":"set"}' + b" " * 8181,
        b'{"version":' + b"1" * 10_000 + b"}",
    ],
)
def test_what_is_no_note_is_refused(plain: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        notes.parse_note(plain)


@given(st.binary(max_size=60))
def test_whatever_was_sealed_is_a_note_or_refused(plain: bytes) -> None:
    try:
        note = notes.parse_note(plain)
    except EnvFSError:
        return
    assert notes.parse_note(notes.render_note(note)) == note

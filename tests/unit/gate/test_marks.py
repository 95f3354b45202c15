"""What the log's entries say of the vault, and which changes they say were broken off."""

import pytest

from envfs.gate.audit_log.log_files import LogEnd
from envfs.gate.audit_log.log_reading import Body
from envfs.gate.audit_log.marks import Intent, Marks

_READ: Body = {"event": "read", "level": "/a", "version": 1}
_WRITE: Body = {"event": "write", "level": "/a", "version": 2}
_VOID: Body = {"event": "void", "level": "/a", "version": 2, "operation": "write"}
_MEND: Body = {"event": "mend", "rule": "half an entry after entry 2 was dropped"}
_START: Body = {"event": "start"}


def _after(*bodies: Body) -> Marks:
    marks = Marks(with_writes=True)
    for body in bodies:
        marks.take(LogEnd(), body)
    return marks


def _at(marks: Marks, stream: str = "level/a") -> int:
    return {stream: seen.seq for stream, seen in marks.after(()).items()}.get(stream, 0)


def test_a_change_counts_from_its_entry_on() -> None:
    assert _at(_after(_READ, _WRITE)) == 2
    assert _after(_READ, _WRITE).last == Intent("write", "/a", 2, 1)


@pytest.mark.parametrize("between", [(), (_MEND,), (_MEND, {"event": "rotate", "rule": "access.jsonl.1-2"})])
def test_a_change_that_was_broken_off_counts_no_more(between: tuple[Body, ...]) -> None:
    marks = _after(_READ, _WRITE, *between, _VOID, _START)
    assert (_at(marks), marks.broken_off) == (1, {"level/a": 2})


@pytest.mark.parametrize(
    "entries",
    [
        (_WRITE, _START, _VOID),
        (_WRITE, {"event": "checkpoint", "signature": "x"}, _VOID),
        (_WRITE, _READ, _VOID),
        (_WRITE, {**_VOID, "version": 1}),
        (_WRITE, {**_VOID, "level": "/b"}),
        (_WRITE, {**_VOID, "operation": "key"}),
        (_WRITE, {**_VOID, "operation": ["write"]}),
    ],
)
def test_in_any_other_place_the_word_takes_nothing_back(entries: tuple[Body, ...]) -> None:
    marks = _after(*entries)
    assert (_at(marks), marks.broken_off) == (2, {})


def test_it_takes_one_change_back_and_no_more() -> None:
    first: Body = {**_WRITE, "version": 1}
    marks = _after(first, _WRITE, _VOID, {**_VOID, "version": 1})
    assert _at(marks) == 1


def test_a_later_change_of_the_same_number_is_what_counts() -> None:
    marks = _after(_READ, _WRITE, _VOID, _START, _WRITE)
    assert (_at(marks), marks.broken_off) == (2, {})


def test_a_key_has_a_stream_of_its_own() -> None:
    marks = _after(_WRITE, {"event": "key", "level": "/a", "version": 3}, {**_VOID, "operation": "key", "version": 3})
    assert (_at(marks), _at(marks, "key/a"), marks.broken_off) == (2, 0, {"key/a": 3})

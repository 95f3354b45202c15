"""Whatever is done to a log, its chain breaks at that line, or its end is another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.core import audit
from envfs.core.access.caller import Caller
from envfs.core.access.verdict import Decision
from envfs.core.access_request import Channel, Format
from envfs.core.audit import Tip
from envfs.core.events import Event, EventKind
from envfs.core.origin import Origin
from envfs.errors import LogBroken

words = st.text(max_size=10)
events = st.builds(
    Event,
    kind=st.sampled_from(EventKind),
    channel=st.none() | st.sampled_from(Channel),
    level=words,
    version=st.integers(0, 10**6),
    format=st.none() | st.sampled_from(Format),
    operation=words,
    decision=st.none() | st.sampled_from(Decision),
    rule=words,
    times=st.integers(1, 1000),
)
numbers = st.integers(0, 2**32)
callers = st.none() | st.builds(Caller, numbers, numbers, numbers, words, words, words, st.none())
origins = st.builds(Origin, words, words, st.lists(words, max_size=4).map(tuple), numbers, words)
TIME = "2026-11-21T08:09:10.123456Z"


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    tip, lines = Tip(), []
    for event, caller, origin in draw(st.lists(st.tuples(events, callers, origins), min_size=1, max_size=6)):
        lines.append(audit.entry_line(tip, TIME, event, caller, origin))
        tip = audit.tip_after(tip, lines[-1])
    return lines


def end(lines: list[bytes]) -> Tip:
    tip = Tip()
    for step, _ in audit.walk_chain(lines):
        tip = step
    return tip


def split(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def is_noticed(lines: list[bytes], changed: list[bytes]) -> bool:
    try:
        return end(changed) != end(lines)
    except LogBroken:
        return True


@given(logs())
def test_a_log_is_followed_to_its_end(lines: list[bytes]) -> None:
    assert end(lines).seq == len(lines)
    assert split(b"".join(lines)) == lines


@given(logs(), st.data())
def test_a_flipped_bit_is_noticed(lines: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(lines))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert is_noticed(lines, split(bytes(whole)))


@given(logs(), st.data())
def test_a_lost_or_inserted_byte_is_noticed(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(lines)
    at = data.draw(st.integers(0, len(whole) - 1))
    added = data.draw(st.binary(max_size=1))
    changed = whole[:at] + added + whole[at + (not added) :]
    assert is_noticed(lines, split(changed))


@given(logs(), st.data())
def test_a_lost_line_is_noticed_by_who_knows_the_end(lines: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    assert is_noticed(lines, lines[:at] + lines[at + 1 :])


@given(logs(), st.data())
def test_another_order_is_noticed(lines: list[bytes], data: st.DataObject) -> None:
    changed = data.draw(st.permutations(lines))
    assert changed == lines or is_noticed(lines, changed)


@given(logs(), logs(), st.data())
def test_a_line_of_another_log_is_noticed(lines: list[bytes], others: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines)))
    other = data.draw(st.sampled_from(others))
    changed = [*lines[:at], other, *lines[at:]]
    assert is_noticed(lines, changed)


@given(logs(), st.data())
def test_the_first_line_that_is_named_is_at_most_one_after_the_change(lines: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = [*lines]
    changed[at] = changed[at].replace(b'"time"', b'"Time"')
    if at == len(lines) - 1:
        assert end(changed) != end(lines)
        return
    with pytest.raises(LogBroken, match=rf"line ({at + 1}|{at + 2}):"):
        end(changed)


@given(events, callers, origins)
def test_an_entry_is_one_line_of_ascii(event: Event, caller: Caller | None, origin: Origin) -> None:
    text = audit.entry_line(Tip(), TIME, event, caller, origin)
    assert text.isascii()
    assert split(text) == [text]
    assert text[:-1].decode().isprintable()


@pytest.mark.parametrize("text", ["\x7f\x1b[2J\n", "\ud800", "\U0010ffff" * 5000, "/" + "a" * 5000])
def test_what_a_process_chose_is_escaped_and_does_not_fill_the_log(text: str) -> None:
    caller, origin = Caller(1, 1, 1, text, text), Origin(text, text, (text,) * 8, 1, text)
    line = audit.entry_line(Tip(), TIME, Event(EventKind.REFUSE), caller, origin)
    assert line[:-1].decode("ascii").isprintable()
    assert len(line) < 1 << 16
    assert end([line]).seq == 1

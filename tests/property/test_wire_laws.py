"""Every message comes back from the wire as it was, and nothing but it."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from envfs.errors import BadRequest
from envfs.protocol import framing, wire
from tests.property.messages import TABLES, json_values, messages
from tests.selection import TIMES

EVERY = [pytest.param(table, kind, id=name) for table in TABLES.values() for name, kind in table.items()]
EVERY = list({param.values[1]: param for param in EVERY}.values())  # Hello stands in two tables
WITH_FIELDS = [param for param in EVERY if param.values[1].__annotations__]


def as_sent(message: object) -> dict[str, object]:
    """Return a message's body as the other end reads it: a word of a closed set is text there."""
    body: dict[str, object] = json.loads(json.dumps(wire.to_body(message)))  # type: ignore[arg-type]
    return body


def is_to_the_letter(again: object, value: object) -> bool:
    """Tell whether a value is sent on as it came, but for members that were left out and have a default."""
    if isinstance(again, dict) and isinstance(value, dict):
        return value.keys() <= again.keys() and all(is_to_the_letter(again[name], value[name]) for name in value)
    if isinstance(again, list) and isinstance(value, list):
        return len(again) == len(value) and all(map(is_to_the_letter, again, value))
    return json.dumps(again) == json.dumps(value)


@pytest.mark.parametrize(("table", "kind"), EVERY)
@settings(max_examples=10 * TIMES)
@given(data=st.data())
def test_a_message_comes_back_from_its_bytes(table: dict[str, type], kind: type, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    decoder = framing.Decoder(0, 1 << 20)
    decoder.feed(framing.encode_frame(wire.to_body(message), (), 1 << 20))  # type: ignore[arg-type]
    found = decoder.next()
    assert found is not None
    again = wire.from_body(found[0], table)
    assert again == message
    assert type(again) is kind


@pytest.mark.parametrize(("table", "kind"), EVERY)
@settings(max_examples=5 * TIMES)
@given(data=st.data())
def test_a_field_that_nobody_knows_is_refused(table: dict[str, type], kind: type, data: st.DataObject) -> None:
    body = as_sent(data.draw(messages(kind)))
    name = data.draw(st.text(max_size=8).filter(lambda name: name not in body))
    with pytest.raises(BadRequest):
        wire.from_body({**body, name: data.draw(json_values)}, table)


@pytest.mark.parametrize(("table", "kind"), WITH_FIELDS)
@settings(max_examples=10 * TIMES)
@given(data=st.data())
def test_a_field_takes_values_of_its_own_type_alone(table: dict[str, type], kind: type, data: st.DataObject) -> None:
    body = as_sent(data.draw(messages(kind)))
    field = data.draw(st.sampled_from(list(kind.__annotations__)))
    value = data.draw(json_values)
    assume(json.dumps(value) != json.dumps(body[field]))
    wanted = kind.__annotations__[field]
    try:
        message = wire.from_body({**body, field: value}, table)
    except BadRequest:
        assert wanted not in (str, int, bool) or type(value) is not wanted
        return
    # what is taken is of the type, to the letter: a bool is no int, and nothing was converted
    again = wire.to_body(message)[field]  # type: ignore[arg-type]
    assert is_to_the_letter(json.loads(json.dumps(again)), value), (again, value)


@pytest.mark.parametrize(("table", "kind"), EVERY)
@settings(max_examples=3 * TIMES)
@given(data=st.data())
def test_a_field_without_a_default_must_be_there(table: dict[str, type], kind: type, data: st.DataObject) -> None:
    body = as_sent(data.draw(messages(kind)))
    for field in kind.__annotations__:
        less = {name: value for name, value in body.items() if name != field}
        if field in kind._field_defaults:  # type: ignore[attr-defined]
            wire.from_body(less, table)
        else:
            with pytest.raises(BadRequest):
                wire.from_body(less, table)

"""A record has one encoding: whatever byte is changed, it is another record or none."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from envfs.core import extensions, record
from envfs.core.record import Point, Record, RecordHeader
from envfs.errors import AuthenticationFailed

texts = st.text(max_size=20)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True).filter(lambda name: name != extensions.CRITICAL)
plain = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | printable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
    max_leaves=6,
).filter(lambda value: depth(value) < 4)


def depth(value: object) -> int:
    """Return how deep lists and objects stand in one another."""
    inner = value if isinstance(value, list) else [*value.values()] if isinstance(value, dict) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@st.composite
def extension(draw: st.DrawFn, *, is_critical: bool | None = None) -> dict[str, object]:
    """Draw the body of an extension, with or without something critical in it."""
    body: dict[str, object] = draw(st.dictionaries(names, plain, min_size=1, max_size=4))
    if is_critical or (is_critical is None and draw(st.booleans())):
        body[extensions.CRITICAL] = sorted(draw(st.sets(st.sampled_from(sorted(body)), min_size=1)))
    return body


points = st.builds(Point, st.integers(1, 10**12), st.text(min_size=1, max_size=20))
headers = st.builds(
    RecordHeader,
    kid=texts,
    vault=texts,
    stream=texts,
    seq=st.integers(1, 10**12),
    prev=texts,
    author=texts,
    time=st.datetimes(datetime(1970, 1, 1)).map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")),  # noqa: DTZ001
    members=st.just(Point()) | points,
    note=texts,
    ext=st.just("") | extension().map(extensions.parse_extension),
)
records = st.builds(
    lambda header, *parts: Record(header, record.protect_header(header), *parts),
    headers,
    *([st.binary(max_size=40)] * 4),
)


@given(records)
def test_what_is_rendered_is_what_is_parsed(made: Record) -> None:
    data = record.render_record(made)
    assert record.parse_record(data) == made
    assert record.render_record(record.parse_record(data)) == data
    assert data.endswith(b"}\n")
    assert data.count(b"\n") == 1


@given(records, st.data())
def test_a_flipped_bit_is_another_record_or_none(made: Record, data: st.DataObject) -> None:
    stored = bytearray(record.render_record(made))
    at, bit = data.draw(st.integers(0, len(stored) - 1)), data.draw(st.integers(0, 7))
    stored[at] ^= 1 << bit
    try:
        found = record.parse_record(bytes(stored))
    except AuthenticationFailed:
        return
    assert found != made
    assert record.render_record(found) == bytes(stored)


@given(records, st.data())
def test_an_inserted_or_a_lost_byte_is_another_record_or_none(made: Record, data: st.DataObject) -> None:
    stored = record.render_record(made)
    at = data.draw(st.integers(0, len(stored)))
    other = data.draw(st.sampled_from([stored[:at] + stored[at + 1 :], stored[:at] + b" " + stored[at:], stored[:at]]))
    if other == stored:
        return
    try:
        found = record.parse_record(other)
    except AuthenticationFailed:
        return
    assert found != made
    assert record.render_record(found) == other


@given(st.binary(max_size=60))
def test_base64_has_one_encoding(data: bytes) -> None:
    text = record.to_base64(data)
    assert record.from_base64(text) == data
    for other in (text + "=", text + "\n", " " + text, text[:-1] + chr(ord(text[-1]) ^ 1) if text else "="):
        try:
            assert record.from_base64(other) != data
        except AuthenticationFailed:
            continue


@given(st.text(max_size=12))
def test_what_is_read_as_base64_is_what_would_be_written(text: str) -> None:
    try:
        data = record.from_base64(text)
    except AuthenticationFailed:
        return
    assert record.to_base64(data) == text


@given(headers, headers)
def test_two_headers_are_protected_alike_only_if_they_are_one(first: RecordHeader, second: RecordHeader) -> None:
    assert (record.protect_header(first) == record.protect_header(second)) is (first == second)


@given(headers)
def test_a_header_alone_is_read_as_within_its_record(header: RecordHeader) -> None:
    data = record.render_record(
        record.Record(header, record.protect_header(header), b"i" * 12, b"text", b"t" * 16, b"s" * 64)
    )
    assert record.parse_header(data) == record.parse_record(data).header == header

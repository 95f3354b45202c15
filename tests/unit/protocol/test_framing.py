"""Frames: a length, an object, the blobs that it announces; whole or not there."""

import json

import pytest

from envfs.core import limits
from envfs.errors import BadRequest
from envfs.protocol.framing import Decoder, encode_frame


def framed(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


def decoded(data: bytes, blob_bytes: int = 0, frame_bytes: int = limits.FRAME_BYTES) -> object:
    decoder = Decoder(blob_bytes, frame_bytes)
    decoder.feed(data)
    return decoder.next()


def test_a_frame_is_its_length_big_endian_and_compact_json() -> None:
    assert encode_frame({"type": "x", "n": 1}) == b"\x00\x00\x00\x12" + b'{"type":"x","n":1}'


def test_blobs_are_announced_in_the_frame_and_sent_behind_it_unchanged() -> None:
    blobs = (b"", b"\x00\xff", b"x" * 100_000)
    data = encode_frame({"type": "x"}, blobs) + b"".join(blobs)
    assert json.loads(data[4:].partition(b"}")[0] + b"}") == {"type": "x", "blobs": [0, 2, 100_000]}
    assert decoded(data, blob_bytes=1 << 20) == ({"type": "x"}, blobs)


def test_a_message_cannot_smuggle_blobs_that_are_not_there() -> None:
    assert decoded(encode_frame({"blobs": [5]}, [b"ab"]) + b"ab", blob_bytes=10) == ({}, (b"ab",))


def test_frames_come_out_one_by_one_in_order() -> None:
    decoder = Decoder(100)
    decoder.feed(encode_frame({"n": 1}) + encode_frame({"n": 2}, [b"bb"]) + b"bb" + encode_frame({"n": 3}))
    assert [decoder.next() for _ in range(4)] == [({"n": 1}, ()), ({"n": 2}, (b"bb",)), ({"n": 3}, ()), None]


@pytest.mark.parametrize("cut", range(len(encode_frame({"n": 1}, [b"blob"]) + b"blob")))
def test_a_frame_is_not_there_before_its_last_byte(cut: int) -> None:
    data = encode_frame({"n": 1}, [b"blob"]) + b"blob"
    decoder = Decoder(100)
    decoder.feed(data[:cut])
    assert decoder.next() is None
    assert decoder.pending is (cut > 0)
    decoder.feed(data[cut:])
    assert decoder.next() == ({"n": 1}, (b"blob",))
    assert not decoder.pending


@pytest.mark.parametrize("size", [0, 1, limits.FRAME_BYTES + 1, 1 << 31, (1 << 32) - 1])
def test_a_length_out_of_bounds_is_refused_before_a_byte_of_it_is_kept(size: int) -> None:
    with pytest.raises(BadRequest):
        decoded(size.to_bytes(4, "big"))


def test_the_longest_frame_is_taken_and_one_byte_more_is_not() -> None:
    text = b'{"a":"' + b"x" * (limits.FRAME_BYTES - 8) + b'"}'
    assert decoded(framed(text)) == ({"a": "x" * (limits.FRAME_BYTES - 8)}, ())
    with pytest.raises(BadRequest):
        decoded(framed(text[:-2] + b'x"}'))


def test_a_message_too_long_for_a_frame_is_not_sent() -> None:
    assert len(encode_frame({"a": "x" * (limits.FRAME_BYTES - 8)})) == limits.FRAME_BYTES + 4
    with pytest.raises(BadRequest):
        encode_frame({"a": "x" * (limits.FRAME_BYTES - 7)})


GARBAGE = {
    "no json": b"hunter2",
    "half an object": b'{"a":',
    "two objects": b"{}{}",
    "a list": b"[]",
    "a string": b'"hunter2"',
    "null": b"null",
    "no utf-8": b'{"a":"\xff"}',
    "utf-16": '{"a":1}'.encode("utf-16"),
    "utf-32": '{"a":1}'.encode("utf-32-le"),
    "nested without end": b'{"a":' + b"[" * 50_000,
    "a number without end": b'{"a":' + b"1" * 10_000 + b"}",
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "a member twice": b'{"type":"status","type":"unmount"}',
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_and_not_quoted(text: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        decoded(framed(text))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "blobs",
    ["null", "7", '"x"', "{}", "[-1]", "[1.0]", "[true]", '["1"]', "[null]", "[[1]]", "[11]", "[6,5]", "[1e400]"],
)
def test_blobs_of_another_form_or_over_the_limit_are_refused(blobs: str) -> None:
    with pytest.raises(BadRequest):
        decoded(framed(f'{{"blobs":{blobs}}}'.encode()), blob_bytes=10)


@pytest.mark.parametrize("blobs", ["[1]", "[0]", "[0,0,0]"])
def test_where_no_blobs_are_expected_none_is_taken(blobs: str) -> None:
    with pytest.raises(BadRequest):
        decoded(framed(f'{{"blobs":{blobs}}}'.encode()), blob_bytes=0)


def test_blobs_up_to_the_limit_are_taken_together() -> None:
    assert decoded(encode_frame({}, [b"12345", b"67890"]) + b"1234567890", blob_bytes=10) == ({}, (b"12345", b"67890"))


def test_the_limits_are_those_of_the_documents() -> None:
    assert limits.FRAME_BYTES == 64 * 1024
    assert limits.REPLY_BYTES == 16 << 20

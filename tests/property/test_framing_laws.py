"""A stream of frames means the same however its bytes are split."""

import io
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from envfs.errors import BadRequest
from envfs.protocol.framing import Decoder, encode_frame, read_frame
from tests.property.messages import json_values

LIMIT = 4096
bodies = st.dictionaries(st.text(max_size=6).filter(lambda name: name != "blobs"), json_values, max_size=3)
frames = st.lists(st.tuples(bodies, st.lists(st.binary(max_size=40), max_size=3)), max_size=4)


def wired(made: list[tuple[dict[str, object], list[bytes]]]) -> bytes:
    return b"".join(encode_frame(body, blobs) + b"".join(blobs) for body, blobs in made)


def outcome(pieces: list[bytes]) -> tuple[list[object], bool, bool]:
    """Feed pieces; return the frames, whether it was refused, and whether something is left over."""
    decoder, found = Decoder(LIMIT, LIMIT), []
    for piece in pieces:
        decoder.feed(piece)
        try:
            while (frame := decoder.next()) is not None:
                found.append(repr(frame))
        except BadRequest:
            return found, True, False
    return found, False, decoder.pending


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(frames)
def test_what_is_encoded_is_decoded(made: list[tuple[dict[str, object], list[bytes]]]) -> None:
    found, refused, left = outcome([wired(made)])
    assert found == [repr((body, tuple(blobs))) for body, blobs in made]
    assert not refused
    assert not left


@given(frames, st.integers(0, 10_000), st.integers(0, 255))
def test_a_frame_that_is_waited_for_is_the_first_of_those_that_are_fed(
    made: list[tuple[dict[str, object], list[bytes]]], at: int, byte: int
) -> None:
    for bend in (False, True):
        data = bytearray(wired(made))
        if bend and data:
            data[at % len(data)] = byte
        assert waited_for(bytes(data)) == outcome([bytes(data)])[0][:1]


def waited_for(data: bytes) -> list[object]:
    stream = io.BytesIO(data)

    def receive(size: int) -> bytes:
        piece = stream.read(size)
        if len(piece) < size:
            raise BadRequest("it ended early")
        return piece

    try:
        return [repr(read_frame(receive, LIMIT, LIMIT))]
    except BadRequest:
        return []


@given(frames, st.lists(st.integers(0, 10_000), max_size=8))
def test_frames_fed_whole_in_pieces_and_byte_by_byte_are_the_same(
    made: list[tuple[dict[str, object], list[bytes]]], places: list[int]
) -> None:
    data = wired(made)
    whole = outcome([data])
    assert outcome(cut(data, places)) == whole
    assert outcome([data[n : n + 1] for n in range(len(data))]) == whole


@given(frames, st.lists(st.integers(0, 10_000), max_size=4), st.integers(0, 10_000), st.integers(0, 255))
def test_frames_with_a_wrong_byte_are_the_same_however_split(
    made: list[tuple[dict[str, object], list[bytes]]], places: list[int], at: int, byte: int
) -> None:
    data = bytearray(wired(made))
    if data:
        data[at % len(data)] = byte
    bent = bytes(data)
    whole = outcome([bent])
    assert outcome(cut(bent, places)) == whole
    assert outcome([bent[n : n + 1] for n in range(len(bent))]) == whole

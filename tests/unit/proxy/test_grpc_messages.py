"""Messages of gRPC: a value becomes a placeholder wherever the messages' borders are, and none waits for ever."""

import zlib
from itertools import pairwise

import pytest

from envfs.proxy.grpc_messages import MessageScrubber
from envfs.proxy.replacing import Replacement
from envfs.proxy.scrubbing import UnknownCoding

VALUE, KEY = b"sk-value-0123456789abcdef", b"sk-place-holder-xxxxxxxxx"
PAIRS = [Replacement(VALUE, KEY)]


def _message(content: bytes, kind: int = 0) -> bytes:
    return bytes((kind,)) + len(content).to_bytes(4) + content


def _field(text: bytes) -> bytes:
    return b"\x0a" + bytes((len(text),)) + text  # `bytes data = 1`


def _contents(body: bytes) -> list[bytes]:
    contents = []
    while body:
        size = int.from_bytes(body[1:5])
        contents.append(body[5 : 5 + size])
        body = body[5 + size :]
    return contents


def _scrubbed(body: bytes, size: int = 1 << 20) -> list[bytes]:
    scrubber = MessageScrubber(PAIRS, b"")
    out = [b"".join(scrubber.feed(body[at : at + size])) for at in range(0, len(body), size)]
    return _contents(b"".join([*out, scrubber.finish()]))


def _refused_after(body: bytes) -> list[bytes]:
    out: list[bytes] = []
    scrubber = MessageScrubber(PAIRS, b"")
    with pytest.raises(UnknownCoding):  # noqa: PT012 - a piece may be passed on before
        out.extend(scrubber.feed(body))
        scrubber.finish()
    return out


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("cut", range(len(VALUE) + 1))
def test_a_value_that_is_cut_by_two_messages_becomes_its_placeholder(cut: int, piece: int) -> None:
    texts, expected = [b"is " + VALUE[:cut], VALUE[cut:] + b" so"], [b"is " + KEY[:cut], KEY[cut:] + b" so"]
    assert _scrubbed(b"".join(map(_message, texts)), piece) == expected
    fields = [_message(_field(text)) for text in texts]
    assert _scrubbed(b"".join(fields), piece) == [_field(text) for text in expected]


@pytest.mark.parametrize("wrapped", [bytes, _field])
def test_a_value_a_byte_a_message_becomes_its_placeholder(wrapped) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    body = b"".join(_message(wrapped(bytes((byte,)))) for byte in b"a" + VALUE + VALUE + b"b")
    assert _scrubbed(body) == [wrapped(bytes((byte,))) for byte in b"a" + KEY + KEY + b"b"]


def test_values_in_compressed_messages_are_found_over_their_ends() -> None:
    scrubber = MessageScrubber(PAIRS, b"gzip")
    parts = [_message(zlib.compress(part, wbits=31), 1) for part in (b"is " + VALUE[:9], VALUE[9:])]
    out = b"".join([*scrubber.feed(b"".join(parts)), scrubber.finish()])
    assert b"".join(_contents(out)) == b"is " + KEY


@pytest.mark.parametrize("inside", range(1, 5))
def test_a_value_of_which_a_message_makes_a_head_is_refused(inside: int) -> None:
    # the client chose zero bytes before its echo, and gets what stands behind the head
    size = int.from_bytes((bytes(5 - inside) + VALUE[:inside])[1:])
    body = bytes(5 - inside) + VALUE
    if size <= 1 << 16:
        body += bytes(size)
    assert _refused_after(body) == []


@pytest.mark.parametrize("cut", range(1, len(VALUE)))
def test_a_message_that_ends_within_a_value_is_not_passed_on(cut: int) -> None:
    # here the host did not mean a message at all: its echo goes on behind what the client made the end
    body = b"\0" + (3 + cut).to_bytes(4) + b"is " + VALUE + b" and more of it"
    assert _refused_after(body) == []


def test_a_message_is_held_until_enough_came_behind_it_or_nothing_comes() -> None:
    scrubber = MessageScrubber(PAIRS, b"")
    first, second = _message(b"x" * 100), _message(b"y" * (len(VALUE) - 1))
    assert b"".join(scrubber.feed(first)) == b""
    assert scrubber.has_held
    assert b"".join(scrubber.feed(second)) == first
    assert scrubber.release() == second
    assert not scrubber.has_held
    assert scrubber.finish() == b""


def test_how_long_a_message_is_held_tells_nothing_of_a_value() -> None:
    def held(text: bytes) -> list[bool]:
        scrubber = MessageScrubber(PAIRS, b"")
        return [not b"".join(scrubber.feed(_message(part))) for part in (text, b"a" * 12, b"b" * 12, b"c" * 12)]

    assert held(b"is " + VALUE[:10]) == held(b"is " + b"-" * 10)


def test_empty_messages_are_not_held_without_end() -> None:
    scrubber = MessageScrubber(PAIRS, b"")
    passed = [len(b"".join(scrubber.feed(_message(b"")))) for _ in range(1000)]
    assert all(before <= after for before, after in pairwise(passed))
    assert passed[-1] == len(_message(b""))

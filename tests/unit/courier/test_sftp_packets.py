"""Packets of SFTP: what is sent is read back, and whatever a server sends is a packet or a fault."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.courier.engines.sftp.packets import (
    Body,
    FileFacts,
    Kind,
    PacketDecoder,
    attributes,
    number,
    offset,
    packet,
    text,
)
from envfs.errors import StoreUnavailable


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50))
def test_packets_come_out_of_a_stream_as_they_were_sent(bodies: list[bytes], step: int) -> None:
    stream = b"".join(packet(Kind.DATA, body) for body in bodies)
    decoder, came = PacketDecoder(), []
    for at in range(0, len(stream), step):
        decoder.feed(stream[at : at + step])
        while (one := decoder.next_packet()) is not None:
            kind, body = one
            assert kind == Kind.DATA
            came.append(body.take(len(bodies[len(came)])))
            assert body.is_over
    assert came == bodies


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_packet_or_a_fault(data: bytes) -> None:
    decoder = PacketDecoder()
    decoder.feed(data)
    with contextlib.suppress(StoreUnavailable):
        while (one := decoder.next_packet()) is not None:
            for take in (one[1].facts, one[1].text, one[1].offset, one[1].number):
                take()


@pytest.mark.parametrize("size", [0, (1 << 18) + 1, 0x48656C6C])  # the last one is a shell's "Hell"
def test_a_packet_of_no_size_or_over_the_limit_is_nonsense(size: int) -> None:
    decoder = PacketDecoder()
    decoder.feed(number(size))
    with pytest.raises(StoreUnavailable):
        decoder.next_packet()


def test_facts_are_read_whatever_else_a_server_tells() -> None:
    owner, times, more = number(7) + number(8), number(1) + number(2), number(1) + text(b"a") + text(b"b")
    whole = number(0x8000000F) + offset(5) + owner + number(0o40755) + times + more
    assert Body(whole).facts() == FileFacts(5, 0o40755, 2)
    assert Body(whole).facts().is_folder
    assert Body(number(0)).facts() == FileFacts(0, 0, -1)
    assert Body(attributes(mode=0o444, size=0)).facts() == FileFacts(0, 0o444, -1)

"""A checkpoint has one encoding, and anything else is refused with a name (docs/format.md §8)."""

import json

import pytest

from envfs.core import checkpoint, record, statements
from envfs.core.checkpoint import Claim, StreamHead
from envfs.core.statements import StatementHeader, StatementType
from envfs.errors import AuthenticationFailed

HEADER = StatementHeader("b83616da", "log/0123456789abcdef", 7, "p" * 43, "a" * 43, "2026-11-29T08:09:10.123456Z")
CLAIM = Claim("b" * 64, 120, "c" * 64, 31_415, 7, (StreamHead("key/shop", 1, "d"), StreamHead("level/shop", 7, "e")))
STORED = statements.render_statement(
    statements.protect_statement(HEADER, StatementType.CHECKPOINT), checkpoint.render_claim(CLAIM), b"signature"
)


def bent(text: str, old: str, new: str) -> str:
    """Return an encoded object in which one text was replaced."""
    data = record.from_base64(text).decode()
    assert old in data
    return record.to_base64(data.replace(old, new, 1).encode())


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    point = checkpoint.parse_checkpoint(STORED)
    assert (point.header, point.claim, point.statement.signature) == (HEADER, CLAIM, b"signature")


def test_heads_that_stand_elsewhere_are_left_out() -> None:
    claim = CLAIM._replace(heads=(), heads_in=3)
    payload = checkpoint.render_claim(claim)
    assert '"heads":' not in record.from_base64(payload).decode()
    assert checkpoint.parse_claim(payload) == claim


@pytest.mark.parametrize("place", range(0, len(STORED), 7))
def test_a_byte_that_is_another_makes_another_checkpoint_or_none(place: int) -> None:
    data = bytearray(STORED)
    data[place] ^= 4
    try:
        assert checkpoint.parse_checkpoint(bytes(data)) != checkpoint.parse_checkpoint(STORED)
    except AuthenticationFailed:
        return


@pytest.mark.parametrize("data", [STORED + b" ", b" " + STORED, STORED[:-1], b"", b"{}\n", b"[]\n", STORED * 2])
def test_a_second_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        checkpoint.parse_checkpoint(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"entries":120', '"entries":-1'),
        ('"entries":120', '"entries":"120"'),
        ('"entries":120', '"entries":120.0'),
        ('"entries":120', '"entries":true'),
        ("b" * 64, "B" * 64),
        ("c" * 64, "c" * 63),
        ('"heads":{', '"heads":[{'),
        ('[1,"d"]', '[1,"d",2]'),
        ('[1,"d"]', '["1","d"]'),
        ('{"begin"', '{"more":1,"begin"'),
    ],
)
def test_a_claim_with_a_member_of_another_type_is_refused(old: str, new: str) -> None:
    with pytest.raises(AuthenticationFailed):
        checkpoint.parse_claim(bent(checkpoint.render_claim(CLAIM), old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seq":7', '"seq":0'),
        ('"seq":7', '"seq":"7"'),
        ("EdDSA", "none"),
        ("envfs-checkpoint", "envfs-record"),
        ("T08", " 08"),
    ],
)
def test_a_header_that_is_not_of_this_format_is_refused(old: str, new: str) -> None:
    body = json.loads(STORED)
    with pytest.raises(AuthenticationFailed):
        checkpoint.parse_checkpoint(
            statements.render_statement(
                bent(body["protected"], old, new), body["payload"], record.from_base64(body["signature"])
            )
        )

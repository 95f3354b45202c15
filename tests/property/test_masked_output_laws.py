"""Masked output: fed whole or at any borders, a stream becomes the same, and no value is left in it."""

from hypothesis import given
from hypothesis import strategies as st

from envfs_cli.masked_output.masked_stream import SHORTEST, MaskedStream
from envfs_cli.masked_output.replacements import replacements

# few signs, so that texts begin alike, end alike and lie in one another
TEXTS = st.lists(st.text("ab", min_size=1, max_size=40).map(str.encode), max_size=6, unique=True)


@st.composite
def streams(draw: st.DrawFn) -> tuple[dict[bytes, bytes], bytes]:
    """Return texts with what takes their places, and a stream that is full of them."""
    texts = draw(TEXTS)
    pieces = draw(st.lists(st.one_of(st.text("ab", max_size=12).map(str.encode), st.sampled_from([b"-", *texts]))))
    return {text: b"<%d>" % number for number, text in enumerate(texts)}, b"".join(pieces)


def _replaced(others: dict[bytes, bytes], data: bytes) -> bytes:
    # the law itself, slowly: at each place the longest text that stands there
    texts = sorted((text for text in others if len(text) >= SHORTEST), key=len, reverse=True)
    out, at = b"", 0
    while at < len(data):
        text = next((text for text in texts if data.startswith(text, at)), b"")
        out += others[text] if text else data[at : at + 1]
        at += len(text) or 1
    return out


@given(streams())
def test_a_stream_becomes_the_same_at_all_borders(case: tuple[dict[bytes, bytes], bytes]) -> None:
    others, data = case
    wanted = _replaced(others, data)
    for cut in range(len(data) + 1):
        stream = MaskedStream(others)
        assert stream.feed(data[:cut]) + stream.feed(data[cut:]) + stream.finish() == wanted


@given(streams(), st.data())
def test_a_stream_becomes_the_same_in_any_pieces(case: tuple[dict[bytes, bytes], bytes], data: st.DataObject) -> None:
    others, whole = case
    stream, out, at = MaskedStream(others), b"", 0
    while at < len(whole):
        size = data.draw(st.integers(1, 9))
        out += stream.feed(whole[at : at + size])
        at += size
    assert out + stream.finish() == _replaced(others, whole)


@given(streams())
def test_no_more_is_held_back_than_may_be_the_beginning_of_a_text(case: tuple[dict[bytes, bytes], bytes]) -> None:
    others, data = case
    stream = MaskedStream(others)
    for at in range(len(data)):
        stream.feed(data[at : at + 1])
        held = stream._held
        assert not held or any(len(text) > len(held) and text.startswith(held) for text in others)


@given(streams(), st.sets(st.integers(0, 60)))
def test_what_is_shown_early_is_not_shown_again_and_what_follows_it_is_masked(
    case: tuple[dict[bytes, bytes], bytes], pauses: set[int]
) -> None:
    texts, data = case
    others = {text: b"*" * len(text) for text in texts}  # of one length, so that places can be compared
    stream, out = MaskedStream(others), b""
    for at in range(len(data)):
        out += stream.feed(data[at : at + 1])
        if at in pauses:
            out += stream.show()
            assert not stream.holds
    out += stream.finish()
    wanted = _replaced(others, data)
    assert len(out) == len(wanted) == len(data)
    assert all(shown in (masked, plain) for shown, masked, plain in zip(out, wanted, data, strict=True))
    assert all(text not in out for text in others if len(text) >= SHORTEST and text not in wanted)


def test_values_and_their_lines_are_replaced_by_placeholders_and_short_ones_are_not() -> None:
    key = "-----BEGIN KEY-----\nabcdefghij\nklmnopqrst\n-----END KEY-----"
    masked = "-----BEGIN KEY-----\nABCDEFGHIJ\nKLMNOPQRST\n-----END KEY-----"
    variables = f"A=12345678\0B=1234567\0KEY={key}\0C=\0D=unmasked-value\0".encode()
    placeholders = f"A=87654321\0B=7654321\0KEY={masked}\0C=\0D=unmasked-value\0".encode()
    assert replacements(variables, placeholders) == {
        b"12345678": b"87654321",
        key.encode(): masked.encode(),
        key.replace("\n", "\r\n").encode(): masked.replace("\n", "\r\n").encode(),
        b"abcdefghij": b"ABCDEFGHIJ",
        b"klmnopqrst": b"KLMNOPQRST",
    }
    assert replacements(b"X=12345678\0", b"") == {b"12345678": b"(masked)"}

"""Laws of the proxy, for whatever stream, rule and request."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.proxy.hosts import Endpoint
from envfs.proxy.replacing import Replacement, Replacer, replace_texts
from envfs.proxy.rules import ProxyRule, parse_rule
from envfs.proxy.scrubbing import Scrubber, scrubbing_pairs
from envfs.proxy.substitution import RequestHead, Unfit, substitute_head
from envfs.proxy.variables import SessionVariable, host_rules

pytestmark = pytest.mark.law

_FEW = st.sampled_from(b"ab\n").map(lambda byte: bytes((byte,)))
_STREAM = st.lists(_FEW, max_size=60).map(b"".join)
_TEXT = st.lists(_FEW, min_size=1, max_size=6).map(b"".join)


def _slow(data: bytes, pairs: list[Replacement]) -> bytes:
    out, at = b"", 0
    while at < len(data):
        here = [pair for pair in pairs if data.startswith(bytes(pair.text), at)]
        longest = max(here, key=lambda pair: len(pair.text), default=None)
        out += bytes(longest.other) if longest else data[at : at + 1]
        at += len(longest.text) if longest else 1
    return out


@given(_STREAM, st.dictionaries(_TEXT, st.binary(max_size=4), max_size=4), st.lists(st.integers(0, 60), max_size=6))
def test_a_stream_is_replaced_alike_whole_byte_by_byte_and_at_any_borders(
    data: bytes, texts: dict[bytes, bytes], borders: list[int]
) -> None:
    pairs = [Replacement(text, other) for text, other in texts.items()]
    expected = _slow(data, pairs)
    assert replace_texts(data, pairs) == expected
    for cuts in ([*range(len(data))], sorted(borders)):
        replacer, out, at = Replacer(pairs), b"", 0
        for cut in (*cuts, len(data)):
            out += replacer.feed(data[at:cut])
            at = max(at, cut)
        assert out + replacer.finish() == expected


_LINE = st.text("ab", min_size=1, max_size=6).map(str.encode)


@given(_STREAM, st.lists(_LINE, min_size=1, max_size=4))
def test_how_much_is_held_back_tells_nothing_of_a_text(data: bytes, texts: list[bytes]) -> None:
    longest, others = max(map(len, texts)), [b"c" * len(text) for text in texts]
    held = data.removeprefix(Replacer([Replacement(text, text) for text in others]).feed(data))
    assert held == data.rpartition(b"\n")[2][-longest + 1 :] if longest > 1 else not held
    if not any(text in data for text in texts):
        assert data.removeprefix(Replacer([Replacement(text, text) for text in texts]).feed(data)) == held


@given(_STREAM, st.sets(_TEXT, max_size=4))
def test_a_line_that_begins_no_text_is_not_held_back(data: bytes, texts: set[bytes]) -> None:
    texts = {text for text in texts if b"\n" not in text[:-1]}
    assert Replacer([Replacement(text, text) for text in texts]).feed(data + b"b\n") == data + b"b\n"


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 40), st.booleans())
def test_no_value_is_left_in_a_response_whatever_its_pieces(parts: list[bytes], size: int, is_compressed: bool) -> None:
    value, placeholder = b"value-0123456789", b"placeholder-0123456789"
    body = value.join(parts)
    sent = gzip.compress(body) if is_compressed else body
    pairs = scrubbing_pairs([SessionVariable("KEY", placeholder, memoryview(value))])
    scrubber = Scrubber(pairs, b"gzip" if is_compressed else b"")
    out = b"".join(piece for at in range(0, len(sent), size) for piece in scrubber.feed(sent[at : at + size]))
    out += scrubber.finish()
    assert value not in out
    assert out == body.replace(value, placeholder)


_KEYS = ("ONE", "TWO", "THREE")
_PLACES = ("header", "header:x-key", "basic", "query:k", "path")
_RULES = st.builds(
    lambda key, host, where, methods: parse_rule(
        {"key": key, "hosts": [host], "where": where, "methods": methods, "name": key.lower()}
    ),
    st.sampled_from(_KEYS),
    st.sampled_from(("a.example.com", "b.example.com")),
    st.lists(st.sampled_from(_PLACES), min_size=1, max_size=2),
    st.lists(st.sampled_from(("GET", "POST")), max_size=1),
)
_VARIABLES = tuple(
    SessionVariable(key, f"placeholder-of-{key}-0001".encode(), memoryview(f"value-{key}".encode())) for key in _KEYS
)


def _outcome(rules: list[ProxyRule], head: RequestHead) -> object:
    try:
        return substitute_head(host_rules(rules, _VARIABLES, Endpoint("a.example.com")), head)
    except Unfit as unfit:
        return unfit.key, unfit.place


@given(st.lists(_RULES, max_size=4), _RULES, st.sampled_from(_KEYS), st.sampled_from(("GET", "POST")))
def test_one_more_rule_changes_nothing_for_another_variable(
    rules: list[ProxyRule], more: ProxyRule, key: str, method: str
) -> None:
    placeholder = f"placeholder-of-{key}-0001".encode()
    for head in (
        RequestHead(method, b"/", ((b"x-key", placeholder),)),
        RequestHead(method, b"/?k=" + placeholder, ()),
        RequestHead(method, b"/" + placeholder, ()),
    ):
        before, after = _outcome(rules, head), _outcome([*rules, more], head)
        assert before == after or (more.key == key and isinstance(before[0], str))


@given(st.lists(_RULES, max_size=4), st.lists(st.tuples(st.sampled_from((b"a", b"b")), st.binary(max_size=20))))
def test_a_request_without_a_placeholder_goes_on_as_it_came(
    rules: list[ProxyRule], headers: list[tuple[bytes, bytes]]
) -> None:
    head = RequestHead("GET", b"/x", tuple(headers))
    assert _outcome(rules, head) == (head, ())

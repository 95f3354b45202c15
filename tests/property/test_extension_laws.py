"""Extensions: one encoding, unknown critical ones refuse, everything else is carried as it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.core import extensions, limits, record
from envfs.core.record import RecordHeader
from envfs.errors import AuthenticationFailed, EnvFSError, UnsupportedFormat
from tests.property.test_record_laws import extension, headers, plain

PLACE = RecordHeader("kid", "vault", "level/shop", 1, "", "author", "2026-11-29T18:09:10.123456Z")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(extension())
def test_an_extension_has_one_encoding_and_comes_back(body: dict[str, object]) -> None:
    text = extensions.parse_extension(body)
    assert json.loads(text) == body
    assert extensions.parse_extension(json.loads(text)) == text
    assert text.isascii()
    assert extensions.parse_extension(dict(reversed(body.items()))) == text


@given(extension(is_critical=True))
def test_what_is_critical_and_unknown_refuses(body: dict[str, object]) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        extensions.check_critical(extensions.parse_extension(body), "record 1")
    assert all(name in caught.value.text for name in extensions.critical_names(extensions.parse_extension(body)))


@given(extension(is_critical=False))
def test_what_is_not_critical_never_refuses(body: dict[str, object]) -> None:
    extensions.check_critical(extensions.parse_extension(body), "record 1")


@given(headers, extension())
def test_the_header_says_that_something_is_critical_if_and_only_if_it_is(
    header: RecordHeader, body: dict[str, object]
) -> None:
    extended = header._replace(ext=extensions.parse_extension(body))
    written = json.loads(record.from_base64(record.protect_header(extended)))
    assert ("crit" in written) is (extensions.CRITICAL in body)
    assert written.get("crit", ["ext"]) == ["ext"]
    assert record.parse_protected(record.protect_header(extended)) == extended


@given(extension(), st.data())
def test_another_order_or_another_crit_is_no_header(body: dict[str, object], data: st.DataObject) -> None:
    protected = record.protect_header(PLACE._replace(ext=extensions.parse_extension(body)))
    written = json.loads(record.from_base64(protected))
    others = [
        {**written, "ext": dict(data.draw(st.permutations([*written["ext"].items()])))},
        dict(data.draw(st.permutations([*written.items()]))),
        {name: value for name, value in written.items() if name != "crit"},
        {**written, "crit": data.draw(st.sampled_from([[], ["ext", "ext"], ["crit"], "ext", [*body]]))},
        {**written, "ext": {}},
    ]
    for other in others:
        text = record.to_base64(json.dumps(other, separators=(",", ":")).encode())
        if text == protected:
            continue
        with pytest.raises(AuthenticationFailed):
            record.parse_protected(text)


@given(json_values)
def test_whatever_stands_there_is_an_extension_in_one_encoding_or_refused(body: object) -> None:
    try:
        text = extensions.parse_extension(body)
    except AuthenticationFailed:
        return
    assert json.loads(text) == body
    assert json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True) == text


@given(st.dictionaries(st.sampled_from("abcdef"), plain, min_size=1), st.integers(0, 40))
def test_the_limit_is_that_of_the_whole_text(body: dict[str, object], over: int) -> None:
    size = len(extensions.parse_extension({**body, "pad": ""}))
    room = limits.EXTENSION_BYTES - size
    assert len(extensions.parse_extension({**body, "pad": "x" * room})) == limits.EXTENSION_BYTES
    with pytest.raises(AuthenticationFailed):
        extensions.parse_extension({**body, "pad": "x" * (room + 1 + over)})


@given(st.text(max_size=40))
def test_a_name_is_one_of_few_letters(name: str) -> None:
    try:
        extensions.parse_extension({name: 1})
    except EnvFSError:
        return
    assert name.isascii()
    assert name == name.lower()
    assert 0 < len(name) <= 32


@given(extension(), st.sampled_from([7, True, ["x"], {}]))
def test_random_text_for_placeholders_goes_beside_all_else(body: dict[str, object], odd: object) -> None:
    text = extensions.parse_extension(body)
    for fresh in ("0" * 32, "1" * 32):
        text = extensions.with_placeholder_text(text, fresh)
        assert extensions.placeholder_text(text) == fresh
        assert json.loads(text) == body | {"placeholders": fresh}
    assert extensions.placeholder_text(json.dumps({"placeholders": odd})) == ""
    assert extensions.placeholder_text("") == ""

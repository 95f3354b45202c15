"""A text is found in each form in which it may be written, wherever it stands, and nothing else is."""

import base64
import gzip
import html
import itertools
import json
import random
import shlex
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from envfs.core.value_form import ValueForm
from envfs.keyholder.scanning.matching import Match, Matcher, SoughtText
from envfs.keyholder.scanning.written_forms import written_forms

_SIGNS = string.ascii_letters + string.digits
_SPECIAL = "p&ss wörd/'x\"<$`+=%"


def _matches(text: bytes, *values: str) -> set[Match]:
    sought = [SoughtText(owner, form) for owner, value in enumerate(values) for form in written_forms(value)]
    return set(Matcher(sought).search(memoryview(text)).matches)


def _token(source: random.Random, size: int) -> str:
    return "".join(source.choices(_SIGNS, k=size))


def _base64(before: int, *, urlsafe: bool) -> Callable[[str], bytes]:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return lambda value: encode(b"-" * before + value.encode() + b"behind")


_WRITERS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "json": lambda value: json.dumps(value).encode(),
    "json with slashes": lambda value: json.dumps(value, ensure_ascii=False).replace("/", "\\/").encode(),
    "url": lambda value: quote(value, safe="").encode(),
    "url as a path": lambda value: quote(value).encode(),
    "url as a form": lambda value: quote_plus(value).encode(),
    "html": lambda value: html.escape(value).encode(),
    "shell": lambda value: shlex.quote(value).encode(),
    "hex": lambda value: value.encode().hex().encode(),
    "hex in capitals": lambda value: value.encode().hex().upper().encode(),
    "utf-16": lambda value: value.encode("utf-16"),
    **{f"base64 at {before}": _base64(before, urlsafe=False) for before in range(3)},
    **{f"base64 for addresses at {before}": _base64(before, urlsafe=True) for before in range(3)},
}
_UNESCAPED = {ValueForm.PLAIN, ValueForm.JSON, ValueForm.URL, ValueForm.SHELL, ValueForm.HTML}


@pytest.mark.parametrize("value", ["0aB3dE6gH", "sk-proj-abcDEF123456", _SPECIAL])
@pytest.mark.parametrize("written", _WRITERS)
def test_a_value_is_found_in_each_form(value: str, written: str) -> None:
    text = b"before " + _WRITERS[written](value) + b" behind"
    form = ValueForm(written.partition(" ")[0])
    forms = {match.form for match in _matches(text, value)}
    assert forms == {form} or (form in _UNESCAPED and forms and forms <= _UNESCAPED)


def test_a_place_is_that_of_the_first_byte_and_each_place_counts() -> None:
    value = "Zk93mQ0xWv"
    text = f"a={value};{value}\n".encode()
    assert {match.start for match in _matches(text, value)} == {2, 13}


@pytest.mark.parametrize("width", [25, 57, 60, 64, 76])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_is_encoded_may_be_wrapped_into_lines(width: int, end: bytes) -> None:
    value = "Zk93mQ0xWv-tr57-Lq2-uuE9"
    data = b"A=1\nTOKEN=" + value.encode() + b"\nB=2\n" * 30
    for encoded in (base64.b64encode(data), data.hex().encode()):
        lines = end.join(encoded[at : at + width] for at in range(0, len(encoded), width))
        matches = _matches(lines, value)
        assert len(matches) == 1
        compact = lines[min(matches).start :].translate(None, b"\r\n")
        assert compact in encoded


def test_two_texts_that_begin_alike_are_told_apart() -> None:
    first, second = "sk-proj-0000aaaaBBBB1111", "sk-proj-0000aaaaBBBB2222"
    assert {(match.owner, match.start) for match in _matches(f"{second} {first}".encode(), first, second)} == {
        (1, 0),
        (0, 25),
    }


def test_a_part_of_a_value_is_no_value() -> None:
    value = "Zk93mQ0xWvTr57Lq2uuE9"
    near = [value[:-1], value[1:], value.lower(), value[:9] + "_" + value[10:]]
    text = " ".join(near) + "\n" + base64.b64encode(value[:-1].encode()).decode()
    assert _matches(text.encode(), value) == set()


def test_long_values_are_found_by_their_beginning() -> None:
    source = random.Random(1)
    value = _token(source, 100_000)
    assert {match.start for match in _matches(b"x" + value.encode(), value)} == {1}


def test_random_bytes_and_compressed_ones_hold_no_value() -> None:
    source = random.Random(2)
    values = [_token(source, 12) for _ in range(50)]
    noise = source.randbytes(200_000)
    assert _matches(noise + gzip.compress(noise) + base64.b64encode(noise) + noise.hex().encode(), *values) == set()


def test_all_of_a_hundred_values_are_found_among_other_text() -> None:
    source = random.Random(3)
    values = [_token(source, source.choice((8, 12, 20, 40, 64))) for _ in range(100)]
    writers = itertools.cycle(_WRITERS.values())
    text = b"\n".join(_token(source, 60).encode() + write(value) for value, write in zip(values, writers, strict=False))
    assert {match.owner for match in _matches(text, *values)} == set(range(100))


def test_nothing_to_look_for_finds_nothing() -> None:
    assert _matches(b"\0nothing") == set()
    assert _matches(b"", "Zk93mQ0xWv") == set()


def test_a_text_that_stands_there_very_often_hides_no_other() -> None:
    often, once = "Zk93mQ0xWv", "0aB3dE6gH"
    sought = [SoughtText(owner, form) for owner, value in enumerate((often, once)) for form in written_forms(value)]
    result = Matcher(sought).search(memoryview(f"{often} ".encode() * 20_000 + once.encode()))
    assert result.more
    assert len(result.matches) < 5000
    assert result.matches[-1] == Match(220_000, 1, ValueForm.PLAIN)


@pytest.mark.parametrize("before", range(0, 40, 3))
def test_a_text_on_a_border_of_what_is_searched_at_once_is_found(before: int) -> None:
    value = "Zk93mQ0xWv-tr57-Lq2-uuE9"
    text = b"-" * ((1 << 17) - before) + value.encode() + value.encode("utf-16-le")
    assert {match.form for match in _matches(text, value)} == {ValueForm.PLAIN, ValueForm.UTF_16}

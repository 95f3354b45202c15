"""JSON without the half of `json` that is slow to import: what it writes and reads is what `json` would."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfs.protocol import jsontext

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_BAD = [
    b"",
    b" ",
    b"{",
    b"[1",
    b'{"a"',
    b'{"a":',
    b'{"a":1,}',
    b'{"a":1}x',
    b'{"a":1,"a":2}',
    b"{'a':1}",
    b"NaN",
    b"[-Infinity]",
    b"-",
    b'"abc',
    b'"\\x"',
    b'"\\u12"',
    b'"\x01"',
    b"\xff",
    b"\xef\xbb\xbf{}",
    b"{}".decode().encode("utf-16"),
]


@given(st.dictionaries(st.text(), _VALUES))
def test_what_is_written_is_what_json_writes_and_comes_back(body: dict[str, object]) -> None:
    assert jsontext.encode_json(body) == json.dumps(body, separators=(",", ":")).encode()
    assert jsontext.decode_json(jsontext.encode_json(body)) == body


@pytest.mark.parametrize("text", _BAD)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which one differs by version of Python
        jsontext.decode_json(text)


def test_too_deep_a_nest_is_refused() -> None:
    with pytest.raises(RecursionError):
        jsontext.decode_json(b"[" * 100_000)


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError):
        jsontext.encode_json({"a": object()})
    with pytest.raises(ValueError):  # noqa: PT011 - which one differs by version of Python
        jsontext.encode_json({"a": float("nan")})


def test_the_same_is_refused_in_a_process_that_began_without_the_other_half() -> None:
    script = f"""
import sys
from envfs.protocol import jsontext
jsontext.decode_json(b'{{"a":[1,"b"]}}')
print("json" in sys.modules)
for text in {_BAD!r}:
    try:
        jsontext.decode_json(text)
    except ValueError:
        continue
    print("took", text)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"


_WITHOUT = """
import sys
MISSING
from envfs.protocol import jsontext
assert "json.decoder" in sys.modules
assert jsontext.encode_json({"a": [1, "\\xe9", None, True]}) == b'{"a":[1,"\\\\u00e9",null,true]}'
assert jsontext.decode_json(b' {"a":[1,2.5]} ') == {"a": [1, 2.5]}
for text in (b"", b"{", b'{"a":1,"a":2}', b"NaN", b"[1]x", b"\\xff"):
    try:
        jsontext.decode_json(text)
    except ValueError:
        continue
    raise SystemExit(repr(text))
for body in ({"a": object()}, {"a": {1, 2}}):
    try:
        jsontext.encode_json(body)
    except TypeError:
        continue
    raise SystemExit("encoded")
print("good")
"""
_MISSING = {
    "no compiled half": "sys.modules['_json'] = None",
    "one that lacks a part": "import _json; del _json.make_scanner",
}


@pytest.mark.parametrize("missing", _MISSING.values(), ids=_MISSING)
def test_where_python_has_another_compiled_half_the_public_one_serves(missing: str) -> None:
    code = _WITHOUT.replace("MISSING", missing)
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("good\n", "")

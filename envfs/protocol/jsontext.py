"""JSON for frames, by the compiled half of the standard library's `json` alone.

The other half brings regular expressions with it, which cost the client a fifth of its start. That half is private to
Python: where a version has it in another form, or not at all, the public one does the same, only later. Reading
is strict: no member twice, no NaN, nothing after the end (RFC 8259; RFC 7493 for members).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    Scan = Callable[[str, int], tuple[object, int]]
    Encode = Callable[[object, int], Iterable[str]]
    Members = list[tuple[str, object]]


def encode_json(body: dict[str, object]) -> bytes:
    """Write an object without blanks, in ASCII.

    Raises:
        TypeError: it holds something that JSON has no word for
        ValueError: it holds a number that JSON has no word for
    """
    return "".join(_encoder(body, 0)).encode()


def decode_json(text: bytes) -> object:
    """Read one JSON value in UTF-8.

    Raises:
        ValueError: it is none
        RecursionError: it is nested too deeply
    """
    whole = text.decode().strip(" \t\n\r")
    try:
        value, end = _scan(whole, 0)
    except (StopIteration, SystemError):
        # Python 3.11's scanner has no error to raise unless the other half was imported: by daemon and keyholder it is
        raise ValueError("not JSON") from None
    if end != len(whole):
        raise ValueError("something after the end")
    return value


def _once(members: "Members") -> dict[str, object]:
    body = dict(members)
    if len(body) != len(members):
        raise ValueError("a member twice")
    return body


def _no_constant(_word: str) -> "NoReturn":
    raise ValueError("not a number of JSON")


def _no_word(_value: object) -> "NoReturn":
    raise TypeError("JSON has no word for it")


class _Rules:
    """The settings of the scanner, under the names that it uses."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_once)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_no_constant)
    memo: "dict[str, str]" = {}  # noqa: RUF012 - the scanner's own


def _compiled() -> "tuple[Scan, Encode]":
    import _json  # noqa: PLC0415 - what it lacks is noticed here

    encoder = _json.make_encoder(None, _no_word, _json.encode_basestring_ascii, None, ":", ",", False, False, False)
    scan = _json.make_scanner(_Rules)  # type: ignore[arg-type]  # the stubs ask for the class itself
    if encoder({"a": [1, "b"]}, 0) is None or scan('{"a":[1]}', 0) != ({"a": [1]}, 9):
        raise TypeError("another form of json's compiled half")
    return scan, encoder


def _public() -> "tuple[Scan, Encode]":
    import json  # noqa: PLC0415 - seldom needed, and slow to import

    encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_no_word)
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
    return decoder.raw_decode, lambda value, _depth: (encoder.encode(value),)


try:
    _scan, _encoder = _compiled()
except (ImportError, AttributeError, TypeError):
    _scan, _encoder = _public()

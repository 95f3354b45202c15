"""JSON for frames, by the compiled half of the standard library's `json` alone.

The other half brings regular expressions with it, which cost the client a fifth of its start. What is read is strict:
no member twice, no NaN, nothing after the end.
"""

import _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Members = list[tuple[str, object]]


def encode(body: dict[str, object]) -> bytes:
    """Write an object without blanks, in ASCII.

    Raises:
        TypeError: it holds something that JSON has no word for
        ValueError: it holds a number that JSON has no word for
    """
    return "".join(_encoder(body, 0)).encode()


def decode(text: bytes) -> object:
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
    """What the scanner asks for, under the names that it asks by."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_once)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_no_constant)
    memo: "dict[str, str]" = {}  # noqa: RUF012 - the scanner's own


_scan = _json.make_scanner(_Rules)  # type: ignore[arg-type]  # the stubs ask for the class itself
_encoder = _json.make_encoder(None, _no_word, _json.encode_basestring_ascii, None, ":", ",", False, False, False)

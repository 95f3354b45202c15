"""The forms in which a text may be written elsewhere: as it is, escaped, or encoded.

In base64 a text has three forms, by its place in the data (RFC 4648 §4). Each is given without the signs at its ends
that depend on its neighbours.
"""

import base64
import codecs
import html
import json
import string
from collections.abc import Iterator
from typing import Final, NamedTuple

from envfs.core.value_form import ValueForm

_UNRESERVED: Final = string.ascii_letters + string.digits + "-._~"  # RFC 3986 §2.3
_SAFE: Final = ("", "/", "!*'()", ":/?#[]@!$&'()*+,;=")  # beside those: each is somebody's choice
_SHELL_SIGNS: Final = '\\"$`'
_BITS_OF_BYTE, _BITS_OF_SIGN = 8, 6


class WrittenForm(NamedTuple):
    """A text as it may be written, with blanks and line ends in it if it `is_wrapped`. It shows its form alone."""

    form: ValueForm
    text: bytes
    is_wrapped: bool = False

    def __repr__(self) -> str:
        """Show no text."""
        return f"WrittenForm({self.form})"


def written_forms(text: str) -> list[WrittenForm]:
    """Return the forms of a text, each way of writing once. The simplest comes first."""
    plain = text.encode()
    forms = {plain: WrittenForm(ValueForm.PLAIN, plain)}
    if not plain.isalnum():
        for form, written in _escaped(text, plain):
            forms.setdefault(written.encode(), WrittenForm(form, written.encode()))
    wide, _ = codecs.utf_16_le_encode(text)  # by its name a codec would be loaded, which a confined process cannot
    forms.setdefault(wide, WrittenForm(ValueForm.UTF_16, wide))
    for encoded in _in_base64(plain):
        forms.setdefault(encoded, WrittenForm(ValueForm.BASE64, encoded, is_wrapped=True))
    for digits in (plain.hex(), plain.hex().upper()):
        forms.setdefault(digits.encode(), WrittenForm(ValueForm.HEX, digits.encode(), is_wrapped=True))
    return list(forms.values())


def _escaped(text: str, plain: bytes) -> Iterator[tuple[ValueForm, str]]:
    for is_ascii in (False, True):
        in_json = json.dumps(text, ensure_ascii=is_ascii)[1:-1]
        yield from ((ValueForm.JSON, way) for way in (in_json, in_json.replace("/", "\\/")))
        yield ValueForm.JSON, "".join(f"\\u{ord(sign):04x}" if sign in "<>&'" else sign for sign in in_json)
    for safe in _SAFE:
        signs = _UNRESERVED + safe
        yield ValueForm.URL, _percent_encoded(plain, signs, "%{:02X}")
        yield ValueForm.URL, _percent_encoded(plain, signs, "%{:02x}")
    yield ValueForm.URL, _percent_encoded(plain, _UNRESERVED, "%{:02X}").replace("%20", "+")
    yield ValueForm.SHELL, text.replace("'", "'\\''")
    yield ValueForm.SHELL, text.replace("'", "'\"'\"'")
    yield ValueForm.SHELL, "".join(f"\\{sign}" if sign in _SHELL_SIGNS else sign for sign in text)
    yield ValueForm.SHELL, "".join(sign if sign.isalnum() or sign in "_./:=@%+,-" else f"\\{sign}" for sign in text)
    for quotes in (True, False):
        yield ValueForm.HTML, html.escape(text, quote=quotes)


def _percent_encoded(plain: bytes, signs: str, form: str) -> str:
    return "".join(chr(byte) if chr(byte) in signs else form.format(byte) for byte in plain)


def _in_base64(plain: bytes) -> Iterator[bytes]:
    for before in range(3):
        whole = base64.b64encode(bytes(before) + plain)
        first = -(-before * _BITS_OF_BYTE // _BITS_OF_SIGN)
        end = (before + len(plain)) * _BITS_OF_BYTE // _BITS_OF_SIGN
        inner = whole[first:end]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")

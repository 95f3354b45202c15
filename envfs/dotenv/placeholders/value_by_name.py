"""A value that opens nothing, and that looks like one which is usually kept under a variable's name.

Laws: no service gave it out. It depends on its seed and the name alone. Where an issuer's values can be checked
without asking the issuer (a checksum, a number in them), these pass.

Source: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/ for the checksum.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from envfs.dotenv.placeholders.seeded_text import (
    BASE32,
    BASE62,
    BASE64,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    URL64,
    SeededText,
)
from envfs.dotenv.placeholders.shapes_by_name import SHAPES

_PIECE = re.compile(r"\{(.)(\d+|!)\}")
_ALPHABETS: Final = {
    "a": BASE62.rstrip(DIGITS),
    "l": LOWER,
    "s": BASE64,
    "u": UPPER,
    "v": "89ab",  # the variant of a UUID
    "w": BASE62,
    "x": HEX,
    "_": URL64,
}
_WORDS: Final = {
    "n": ("accounts", "api", "app", "backend", "billing", "catalog", "core", "data", "orders", "shop", "users", "web"),
    "e": ("db", "main", "primary", "prod", "production"),
    "r": ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1"),
}
_CHECKED: Final = 30  # signs that a checksum is of
_CHECKSUM_SIGNS: Final = DIGITS + BASE62.rstrip(DIGITS)
_MOST_ACCOUNT: Final = 10**12  # an account of AWS has 12 digits
_NEW_KEYS: Final = BASE32[16:]  # the first bit is set in each key that names its account


def value_by_name(name: str, seed: bytes) -> str:
    """Return the value that a random seed gives for a variable of this name."""
    words = f"_{name.upper()}_"
    shape = next(shape for parts, shape in SHAPES if all(part in words for part in parts.split(" ")))
    source, text, at = SeededText(seed), "", 0
    for piece in _PIECE.finditer(shape):
        text += shape[at : piece.start()]
        text += _drawn(source, piece[1], 0 if piece[2] == "!" else int(piece[2]), text)
        at = piece.end()
    return text + shape[at:]


def _drawn(source: SeededText, kind: str, count: int, text: str) -> str:
    if kind in _ALPHABETS:
        return source.draw(_ALPHABETS[kind], count)
    if kind in _WORDS:
        words = _WORDS[kind]
        return words[int.from_bytes(source.draw_bytes(8)) % len(words)]
    return _checksum(text[-_CHECKED:], count) if kind == "c" else _MAKERS[kind](source, count)


def _number(source: SeededText, count: int) -> str:
    return source.draw(DIGITS[1:], 1) + source.draw(DIGITS, count - 1)


def _checksum(signs: str, count: int) -> str:
    number, text = binascii.crc32(signs.encode()), ""
    while number:
        number, sign = divmod(number, len(_CHECKSUM_SIGNS))
        text = _CHECKSUM_SIGNS[sign] + text
    return text.rjust(count, "0")


def _account_key(source: SeededText, count: int) -> str:
    # the 40 bits behind the first one are the number of an account, to anybody who decodes the key
    while True:
        text = source.draw(_NEW_KEYS, 1) + source.draw(BASE32, count - 1)
        bits = int.from_bytes(base64.b32decode(text)[:6])
        if bits >> 7 & 0xFF_FFFF_FFFF < _MOST_ACCOUNT:
            return text


def _number_in_base64(source: SeededText, count: int) -> str:
    return base64.b64encode(_number(source, count).encode()).decode().rstrip("=")


def _bytes_in_base64(source: SeededText, count: int) -> str:
    return base64.b64encode(source.draw_bytes(count)).decode()


_MAKERS: Final[dict[str, Callable[[SeededText, int], str]]] = {
    "A": _account_key,
    "d": _number,
    "i": _number_in_base64,
    "k": _bytes_in_base64,
}

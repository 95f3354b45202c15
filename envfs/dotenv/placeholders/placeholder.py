"""The placeholder of one value: of the value's shape, and with nothing of its secret.

Laws: it has 128 random bits at least. It is as long as its value in bytes, where that has 40 bytes or more (but for
addresses, see there). It is ASCII, and has nothing in it that a shell or a reader of dotenv text would run or expand.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from envfs.dotenv.placeholders.addresses import email_placeholder, url_placeholder
from envfs.dotenv.placeholders.documents import encoded_bytes, jwt_placeholder, pem_placeholder
from envfs.dotenv.placeholders.known_shapes import ROWS
from envfs.dotenv.placeholders.pieces import FIXED_BYTES, MaskedValue, MaskOrder, replaced_groups, surrounded
from envfs.dotenv.placeholders.seeded_text import (
    BASE62,
    BASE64,
    BITS,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    UPPER_HEX,
    URL64,
    SeededText,
    bits_of,
    signs_for,
)

_STARTS = tuple(start for _, starts, _, _ in ROWS for start in starts if start)
_NAMELESS = tuple(row for row in ROWS if "" in row[1])
_UUID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})", re.IGNORECASE | re.ASCII)
_AUTHORIZATION = re.compile(r"((?:Basic|Bearer|Bot|Token|token) )(\S+)", re.ASCII)  # RFC 9110 §11.4
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_PATH = re.compile(r"((?:~|\.\.?)?/)(?:[\w.@ -]+/)*[\w@ -]*(\.[a-z0-9]{1,5})?", re.ASCII)
_PADDED = re.compile(r"([A-Za-z0-9+/]+)(={0,2})", re.ASCII)
_TOKEN_SIGNS: Final = 16  # a shorter value is a word, of which no alphabet can be told
_ALPHABETS: Final = (  # the narrowest first
    (re.compile(r"[0-9a-f]+", re.ASCII), HEX),
    (re.compile(r"[0-9A-F]+", re.ASCII), UPPER_HEX),
    (re.compile(r"[0-9a-z]+", re.ASCII), LOWER),
    (re.compile(r"[0-9A-Z]+", re.ASCII), UPPER),
    (re.compile(r"[0-9A-Za-z]+", re.ASCII), BASE62),
    (re.compile(r"[0-9A-Za-z_-]+", re.ASCII), URL64),
)
_LONGEST_CREDENTIAL: Final = 4096
_WORD: Final = "masked_"


def make_placeholder(value: str, seed: bytes, *, shows: bool = True, shows_host: bool = True) -> MaskedValue:
    """Return the placeholder that a seed gives for a value.

    With `shows` false it shows nothing of the value but the beginning of a known shape and the host of an address. With
    `shows_host` false neither that.
    """
    size = len(value.encode(errors="surrogatepass"))
    order = MaskOrder(SeededText(seed), size if size >= FIXED_BYTES else 0, shows, shows_host)
    return _made_by_shape(order, value)


def _made_by_shape(order: MaskOrder, value: str) -> MaskedValue:
    return next(filter(None, (maker(order, value) for maker in _MAKERS)), None) or surrounded(order, BASE62, _WORD)


def _known(order: MaskOrder, value: str) -> MaskedValue | None:
    if len(value) > _LONGEST_CREDENTIAL:
        return None
    for _, starts, body, alphabets in ROWS if value.startswith(_STARTS) else _NAMELESS:
        for start in filter(value.startswith, starts):
            match = _compiled(body).fullmatch(value, len(start))
            placeholder = replaced_groups(order, match, alphabets) if match is not None else None
            if placeholder is not None:
                return MaskedValue(start + placeholder.text, len(start) + placeholder.anchor, placeholder.shown)
    return None


@cache
def _compiled(body: str) -> re.Pattern[str]:
    # not at the import: all rows take 2 ms of each start of a keyholder, and most never mask
    return re.compile(body, re.ASCII)


def _authorization(order: MaskOrder, value: str) -> MaskedValue | None:
    match = _AUTHORIZATION.fullmatch(value)
    if match is None:
        return None
    scheme, credential = match.groups()
    inner = _made_by_shape(order._replace(size=max(0, order.size - len(scheme))), credential)
    return inner._replace(text=scheme + inner.text, anchor=len(scheme) + inner.anchor)


def _uuid(order: MaskOrder, value: str) -> MaskedValue | None:
    match = _UUID.fullmatch(value)
    return replaced_groups(order, match, (HEX if value.lower() == value else UPPER_HEX,) * 5) if match else None


def _number(order: MaskOrder, value: str) -> MaskedValue | None:
    if not _NUMBER.fullmatch(value):
        return None
    text, *_ = surrounded(order, DIGITS)
    return MaskedValue(text if text[0] != "0" else "1" + text[1:])


def _path(order: MaskOrder, value: str) -> MaskedValue | None:
    match = _PATH.fullmatch(value)
    if match is None or (value.count("/") < 2 and not match[2]):  # noqa: PLR2004 - or base64 that begins with a slash
        return None
    return surrounded(order, BASE62, match[1], match[2] or "")


def _padded(order: MaskOrder, value: str) -> MaskedValue | None:
    match = _PADDED.fullmatch(value)
    if match is None or len(value) < _TOKEN_SIGNS or len(value) % 4 or not (match[2] or {"+", "/"} & set(value)):
        return None
    signs = len(match[1]) if order.size else signs_for(BASE64)
    return MaskedValue(encoded_bytes(order, signs, urlsafe=False) + "=" * (-signs % 4))


def _token(order: MaskOrder, value: str) -> MaskedValue | None:
    if len(value) < _TOKEN_SIGNS or not any(sign in DIGITS for sign in value):
        return None
    alphabet = next((alphabet for signs, alphabet in _ALPHABETS if signs.fullmatch(value)), None)
    if alphabet is None or (order.size and bits_of(alphabet, order.size) < BITS):
        return None
    return surrounded(order, alphabet)


_MAKERS: Final[tuple[Callable[[MaskOrder, str], MaskedValue | None], ...]] = (
    pem_placeholder,
    jwt_placeholder,
    url_placeholder,
    _known,
    _authorization,
    _uuid,
    _number,
    email_placeholder,
    _path,
    _padded,
    _token,
)

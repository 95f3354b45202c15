"""Placeholders of values that are documents: signed tokens (JWT) and keys in PEM.

A JWT keeps its header and its claims, which anybody who holds it can read. Without its signature it opens nothing. A
token without a signature is no JWT here, since its claims alone may open something.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Final

from envfs.dotenv.placeholders.pieces import MaskedValue, MaskOrder
from envfs.dotenv.placeholders.seeded_text import BASE64, BITS, URL64, bits_of, signs_for

_JWT = re.compile(r"(eyJ[A-Za-z0-9_-]+)\.(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)  # RFC 7519 §3
_PEM = re.compile(r"(?:-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----).)*-----END \1-----(?:\s|\\n)*)+", re.DOTALL)  # RFC 7468
_PEM_BLOCK = re.compile(r"(-----BEGIN [A-Z0-9 ]+-----)(.*?)(-----END [A-Z0-9 ]+-----)", re.DOTALL)
_PEM_SECRET = re.compile(r"(\\n|\\r|\s|=+(?=[\s=]|\\n|\Z))|.", re.DOTALL)
_PEM_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_LINE_SIGNS: Final = 64


def jwt_placeholder(order: MaskOrder, value: str) -> MaskedValue | None:
    """Return a JWT with the same header and claims and another signature. None for another value."""
    match = _JWT.fullmatch(value)
    if match is None or not order.shows:
        return None
    header, claims = _json_text(match[1]), _json_text(match[2])
    if header is None or claims is None or len(match[3]) < signs_for(URL64):
        return None
    signature = encoded_bytes(order, len(match[3]), urlsafe=True)
    return MaskedValue(f"{match[1]}.{match[2]}.{signature}", match.start(3), f"{header}\0{claims}")


def pem_placeholder(order: MaskOrder, value: str) -> MaskedValue | None:
    """Return blocks of PEM with the same labels and lines, and other content. None for another value."""
    if not order.shows or not _PEM.fullmatch(value):
        return None
    bits = 0.0

    def filled(block: re.Match[str]) -> str:
        nonlocal bits
        secret = _PEM_SECRET.sub(lambda sign: sign[1] or "x" * len(sign[0].encode()), block[2])
        count = secret.count("x")
        signs = iter(order.source.draw(BASE64, count))
        bits += bits_of(BASE64, count)
        return block[1] + "".join(next(signs) if sign == "x" else sign for sign in secret) + block[3]

    text = _PEM_BLOCK.sub(filled, value)
    labels = "\0".join(_PEM_LABEL.findall(text))
    return MaskedValue(text, text.index("-----", 5) + 6, labels) if bits >= BITS else None


def encoded_bytes(order: MaskOrder, signs: int, *, urlsafe: bool) -> str:
    """Return so many signs of base64 without padding that every decoder takes, also those that check the last one."""
    if signs % 4 == 1:  # no number of bytes has this length
        return order.source.draw(URL64 if urlsafe else BASE64, signs)
    data = order.source.draw_bytes(signs * 3 // 4)
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(data).decode().rstrip("=")


def _json_text(part: str) -> str | None:
    # all that a JSON object tells: as it is written, and its texts without their escapes
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
        body = json.loads(text)
        return "\0".join((text, *_texts(body))) if isinstance(body, dict) else None
    except (ValueError, RecursionError):
        return None


def _texts(body: object) -> Iterator[str]:
    match body:
        case str():
            yield body
        case list():
            for item in body:
                yield from _texts(item)
        case dict():
            for name, item in body.items():
                yield name
                yield from _texts(item)
        case _:  # a number, a truth value, or nothing
            pass

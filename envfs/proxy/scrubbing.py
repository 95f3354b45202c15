"""Responses: values become placeholders again, in headers and in the body, as the host may write them.

Law: a value of fewer than 8 bytes stays, as it stands in texts by chance. A body in a coding that is not known here is
refused and not passed on.
"""

import json
import re
import zlib
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import quote, quote_plus

from envfs.proxy.replacing import Replacement, Replacer, Text, replace_texts
from envfs.proxy.substitution import IN_PATH, Headers
from envfs.proxy.variables import SessionVariable

SHORTEST: Final = 8
_AS_NUMBERS: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}
_NUMBER: Final = re.compile(rb"%[0-9A-F]{2}")
GZIP_TOO: Final = zlib.MAX_WBITS | 32
_GZIP_BEGINS: Final = b"\x1f"
_LARGEST_PIECE: Final = 1 << 18  # bytes that a compressed piece may become at once


class UnknownCoding(Exception):
    """A body in a coding that cannot be looked into."""


def scrubbing_pairs(variables: Iterable[SessionVariable]) -> list[Replacement]:
    """Return what is replaced in responses: each value as it is, and as it stands in JSON and in an address."""
    pairs: list[Replacement] = []
    for variable in variables:
        if variable.value is not None and len(variable.value) >= SHORTEST:
            pairs += _written_pairs(variable.value, variable.placeholder)
    return pairs


def _written_pairs(value: Text, placeholder: bytes) -> list[Replacement]:
    # a placeholder is written as its value was, so that a line feed in it spoils neither a text in JSON nor a header
    pairs, plain = [Replacement(value, placeholder)], bytes(value)
    if not plain.isalnum():
        ways = dict(zip(_ways(plain), _ways(placeholder), strict=True))
        pairs += [Replacement(written, other) for written, other in sorted(ways.items()) if written != plain]
    return pairs


def _ways(plain: bytes) -> list[bytes]:
    return [*_in_json(plain), *_in_addresses(plain)]


def _in_json(plain: bytes) -> list[bytes]:
    # some write other signs as numbers, some `/` with a backslash, some those of HTML as numbers
    text = plain.decode(errors="surrogateescape")
    ways = [json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (False, True)]
    ways += [way.replace("/", "\\/") for way in ways]
    ways += [way.translate(_AS_NUMBERS) for way in ways]
    return [way.encode(errors="surrogateescape") for way in ways]


def _in_addresses(plain: bytes) -> list[bytes]:
    ways = [*(quote(plain, safe=safe).encode() for safe in ("", "/", IN_PATH)), quote_plus(plain).encode()]
    return [*ways, *(_NUMBER.sub(lambda match: match[0].lower(), way) for way in ways)]


def credential_pairs(came: Headers, sent: Headers) -> list[Replacement]:
    """Return what is replaced in the response to a request with a value in HTTP Basic, where it is in base64."""
    changed = [(before[1], after[1]) for before, after in zip(came, sent, strict=True) if before != after]
    basic = [(before, after) for before, after in changed if after[:6].lower() in (b"basic ", b"basic\t")]
    return [pair for before, after in basic for pair in _written_pairs(after[6:], before[6:].strip())]


def keeps_length(pairs: Iterable[Replacement]) -> bool:
    """Tell whether a body has the same length after its scrubbing, whatever stands in it."""
    return all(len(pair.text) == len(pair.other) for pair in pairs)


def scrub_header(value: bytes, pairs: list[Replacement]) -> bytes:
    """Return a header's value without values of variables."""
    is_clean = all(value.find(pair.text) < 0 for pair in pairs)  # as nearly all are
    return value if is_clean else replace_texts(value, pairs)


def scrub_headers(headers: Iterable[tuple[bytes, bytes]], pairs: list[Replacement]) -> list[tuple[bytes, bytes]]:
    """Return headers, named in lower case, without values of variables.

    One that cannot have a placeholder is left out: with a value in its name, or with one that blanks cut, as they stand
    where a host went on in another line (RFC 9112 §5.2).
    """
    clean = [(name, scrub_header(value, pairs)) for name, value in headers]
    names, squeezed = b"\n".join(name for name, _ in clean), _squeezed(b"\n".join(value for _, value in clean))
    inside = [text for pair in pairs if (text := bytes(pair.text).lower()) in names]
    cut = [text for pair in pairs if (text := _squeezed(pair.text)) and text in squeezed]
    if not inside and not cut:
        return clean
    return [
        (name, value)
        for name, value in clean
        if not any(text in name for text in inside) and not any(text in _squeezed(value) for text in cut)
    ]


def _squeezed(text: Text) -> bytes:
    return bytes(text).translate(None, b" \t")


class BodyFilter(Protocol):
    """A filter of a body, piece by piece."""

    @property
    def keeps_length(self) -> bool:
        """Tell whether nothing but a placeholder of another length makes another length of it."""
        ...

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Take a piece. Return pieces to pass on."""
        ...

    def finish(self) -> bytes:
        """Return the remainder."""
        ...


class Scrubber:
    """The scrubbing of one body. `coding` is that of the header Content-Encoding."""

    def __init__(self, pairs: list[Replacement], coding: bytes) -> None:
        """Begin.

        Raises:
            UnknownCoding: it cannot be looked into
        """
        self._replacer = Replacer(pairs)
        self._decoder = _decoder(coding)
        self._is_begun = False

    @property
    def keeps_length(self) -> bool:
        """Tell whether it is in no coding."""
        return self._decoder is None

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Take a piece. Return pieces to pass on.

        Raises:
            UnknownCoding: it is not in its coding
        """
        if self._decoder is None:
            yield self._replacer.feed(data)
            return
        try:
            while data:
                if self._decoder.eof and not data.startswith(_GZIP_BEGINS):
                    return  # what fills up a block
                if self._decoder.eof:  # one more member of the same stream (RFC 1952 §2.2)
                    self._decoder = zlib.decompressobj(GZIP_TOO)
                yield self._replacer.feed(self._decoder.decompress(data, _LARGEST_PIECE))
                data = self._decoder.unconsumed_tail or self._decoder.unused_data
                self._is_begun = True
        except zlib.error:
            raise UnknownCoding from None

    def finish(self) -> bytes:
        """Return the remainder.

        Raises:
            UnknownCoding: it ends early
        """
        if self._decoder is not None and self._is_begun and not self._decoder.eof:
            raise UnknownCoding
        rest = self._replacer.feed(self._decoder.flush()) if self._decoder is not None else b""
        return rest + self._replacer.finish()


def _decoder(coding: bytes) -> "zlib._Decompress | None":
    match coding.strip().lower():
        case b"" | b"identity":
            return None
        case b"gzip" | b"x-gzip" | b"deflate":
            return zlib.decompressobj(GZIP_TOO)
        case _:
            raise UnknownCoding

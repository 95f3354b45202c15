"""Responses: values become placeholders again, in headers and in the body, as the host may write them.

Law: a value of fewer than 8 bytes stays, as it stands in texts by chance. A body in a coding that is not known here is
refused and not passed on.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Final, Protocol
from urllib.parse import quote

from envfs.proxy.replacing import Replacement, Replacer, replace_texts
from envfs.proxy.variables import SessionVariable

SHORTEST: Final = 8
_GZIP_TOO = zlib.MAX_WBITS | 32
_LARGEST_PIECE: Final = 1 << 18  # bytes that a compressed piece may become at once


class UnknownCoding(Exception):
    """A body in a coding that cannot be looked into."""


def scrubbing_pairs(variables: Iterable[SessionVariable]) -> list[Replacement]:
    """Return what is replaced in responses: each value as it is, and as it stands in JSON and in an address."""
    pairs: list[Replacement] = []
    for variable in variables:
        value = variable.value
        if value is None or len(value) < SHORTEST:
            continue
        pairs.append(Replacement(value, variable.placeholder))
        plain = bytes(value)
        if not plain.isalnum():
            ways = {_in_json(plain), quote(plain, safe="").encode()} - {plain}
            pairs += [Replacement(written, variable.placeholder) for written in sorted(ways)]
    return pairs


def _in_json(plain: bytes) -> bytes:
    return json.dumps(plain.decode(errors="surrogateescape"), ensure_ascii=False)[1:-1].encode(errors="surrogateescape")


def keeps_length(pairs: Iterable[Replacement]) -> bool:
    """Tell whether a body has the same length after its scrubbing, whatever stands in it."""
    return all(len(pair.text) == len(pair.other) for pair in pairs)


def scrub_header(value: bytes, pairs: list[Replacement]) -> bytes:
    """Return a header's value without values of variables."""
    return replace_texts(value, pairs)


class BodyFilter(Protocol):
    """A filter of a body, piece by piece."""

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
                yield self._replacer.feed(self._decoder.decompress(data, _LARGEST_PIECE))
                data = self._decoder.unconsumed_tail
        except zlib.error:
            raise UnknownCoding from None

    def finish(self) -> bytes:
        """Return the remainder."""
        rest = self._replacer.feed(self._decoder.flush()) if self._decoder is not None else b""
        return rest + self._replacer.finish()


def _decoder(coding: bytes) -> "zlib._Decompress | None":
    match coding.strip().lower():
        case b"" | b"identity":
            return None
        case b"gzip" | b"x-gzip" | b"deflate":
            return zlib.decompressobj(_GZIP_TOO)
        case _:
            raise UnknownCoding

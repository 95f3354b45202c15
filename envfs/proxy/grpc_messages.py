"""Bodies of gRPC and gRPC-Web: messages with their lengths before them, each looked through as soon as it is whole.

Law: a message is held until its end, and no longer: the other side may wait for it before it goes on.
"""

import zlib
from collections.abc import Iterable
from typing import Final

from envfs.proxy.replacing import Replacement, replace_texts
from envfs.proxy.scrubbing import GZIP_TOO, UnknownCoding

_HEAD, _LARGEST = 5, 16 << 20  # bytes
_CODINGS: Final = (b"gzip", b"deflate")
_PLAIN, _COMPRESSED, _TRAILERS = 0, 1, 0x80  # the last one of gRPC-Web alone


def is_of_messages(content_type: bytes) -> bool:
    """Tell whether a body is of messages of gRPC, or of gRPC-Web in bytes."""
    media = content_type.partition(b";")[0].strip().lower().partition(b"+")[0]
    return media in (b"application/grpc", b"application/grpc-web")


class MessageScrubber:
    """The scrubbing of one body. `coding` is that of the header grpc-encoding."""

    def __init__(self, pairs: list[Replacement], coding: bytes) -> None:
        """Begin."""
        self._pairs = pairs
        self._coding = coding.strip().lower()
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Take a piece. Return whole messages to pass on.

        Raises:
            UnknownCoding: one cannot be looked into
        """
        self._held += data
        while len(self._held) >= _HEAD:
            size = int.from_bytes(self._held[1:_HEAD])
            if size > _LARGEST:
                raise UnknownCoding
            if len(self._held) < _HEAD + size:
                return
            kind = self._held[0] & _TRAILERS
            message = self._plain(self._held[0] & ~_TRAILERS, bytes(self._held[_HEAD : _HEAD + size]))
            del self._held[: _HEAD + size]
            scrubbed = replace_texts(message, self._pairs)
            yield bytes((kind,)) + len(scrubbed).to_bytes(4) + scrubbed

    def finish(self) -> bytes:
        """There is no remainder.

        Raises:
            UnknownCoding: it ends within a message
        """
        if self._held:
            raise UnknownCoding
        return b""

    def _plain(self, kind: int, message: bytes) -> bytes:
        if kind == _PLAIN:
            return message
        if kind != _COMPRESSED or self._coding not in _CODINGS:
            raise UnknownCoding
        decoder = zlib.decompressobj(GZIP_TOO)
        try:
            plain = decoder.decompress(message, _LARGEST)
        except zlib.error:
            raise UnknownCoding from None
        if not decoder.eof or decoder.unconsumed_tail or decoder.unused_data:
            raise UnknownCoding
        return plain

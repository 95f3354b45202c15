"""Bodies that tell the length of each text within them, as those of Protocol Buffers do.

Law: what stands for a value there has the value's length, so that the client can read what is around it.
"""

from collections.abc import Iterable
from typing import Final

from envfs.proxy.replacing import Replacement

_MEDIA: Final = frozenset(
    (
        *(b"application/protobuf", b"application/x-protobuf", b"application/vnd.google.protobuf", b"application/proto"),
        *(b"application/msgpack", b"application/x-msgpack", b"application/vnd.msgpack", b"application/cbor"),
        *(b"application/bson", b"application/x-thrift", b"application/vnd.apache.thrift.binary"),
    )
)
_OF_MESSAGES: Final = (b"application/grpc", b"application/connect")


def has_inner_lengths(content_type: bytes) -> bool:
    """Tell whether a body of this type has texts with their lengths before them."""
    media = content_type.partition(b";")[0].strip().lower()
    return media in _MEDIA or media.startswith(_OF_MESSAGES) or media.endswith((b"+proto", b"+protobuf", b"+cbor"))


def of_same_length(pairs: Iterable[Replacement]) -> list[Replacement]:
    """Return what is replaced, with as much of each placeholder as its value is long, and stars behind it."""
    return [Replacement(pair.text, _fitted(bytes(pair.other), len(pair.text))) for pair in pairs]


def _fitted(other: bytes, size: int) -> bytes:
    shown = other if other.isascii() or len(other) == size else b""  # a sign of more bytes is not cut
    return shown[:size].ljust(size, b"*")

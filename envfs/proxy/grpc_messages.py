"""Bodies of gRPC and gRPC-Web: messages with their lengths before them, each looked through when it is whole.

Laws: a message is held until as many bytes came behind it as a value can be long, or until nothing more comes for a
moment: the other side may wait for it before it goes on. How long it is held depends on sizes and times alone, so it
tells nothing of a value. A value that stands over a message's head is refused: the bytes before it, which a client may
have chosen, made its own bytes a head.
"""

import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from envfs.proxy.replacing import Replacement, replace_texts
from envfs.proxy.scrubbing import GZIP_TOO, UnknownCoding

QUIET_SECONDS: Final = 0.02  # without a byte: then what is held goes on
_HEAD, _LARGEST = 5, 16 << 20  # bytes
_MOST_HELD: Final = 256  # messages, as empty ones never fill what a value can be long
_CODINGS: Final = (b"gzip", b"deflate")
_PLAIN, _COMPRESSED, _TRAILERS = 0, 1, 0x80  # the last one of gRPC-Web alone
_OF_LENGTH, _MOST_DIGITS = 2, 5  # of a field of Protocol Buffers: its type, and bytes of a number


def is_of_messages(content_type: bytes) -> bool:
    """Tell whether a body is of messages of gRPC, or of gRPC-Web in bytes."""
    media = content_type.partition(b";")[0].strip().lower().partition(b"+")[0]
    return media in (b"application/grpc", b"application/grpc-web")


class _Message(NamedTuple):
    kind: int
    content: bytearray
    text_at: int  # where the text of its first field begins, if it has one


class MessageScrubber:
    """The scrubbing of one body. `coding` is that of the header grpc-encoding."""

    def __init__(self, pairs: Sequence[Replacement], coding: bytes) -> None:
        """Begin. In each pair both texts are of one length."""
        self._pairs = sorted(pairs, key=lambda pair: -len(pair.text))
        self._reach = max((len(pair.text) for pair in pairs), default=1) - 1
        self._coding = coding.strip().lower()
        self._begun = bytearray()
        self._whole: deque[_Message] = deque()
        self._came = b""  # the last bytes before those of `_begun`

    @property
    def keeps_length(self) -> bool:
        """Tell whether no message can be compressed."""
        return self._coding in (b"", b"identity")

    @property
    def has_held(self) -> bool:
        """Tell whether a whole message is held."""
        return bool(self._whole)

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Take a piece. Return whole messages to pass on.

        Raises:
            UnknownCoding: one cannot be looked into
        """
        self._begun += data
        while len(self._begun) >= _HEAD:
            size = int.from_bytes(self._begun[1:_HEAD])
            if size > _LARGEST:
                raise UnknownCoding
            if len(self._begun) < _HEAD + size:
                break
            came = bytes(self._begun[: _HEAD + size])
            del self._begun[: _HEAD + size]
            self._refuse_over_head(came)
            content = bytearray(self._plain(came[0] & ~_TRAILERS, came[_HEAD:]))
            self._whole.append(_Message(came[0] & _TRAILERS, content, _first_text(content)))
            self._replace_over_ends()
            yield from self._beyond_reach()

    def release(self) -> bytes:
        """Return what is held, as nothing more comes for now."""
        released = b"".join(map(self._written, self._whole))
        self._whole.clear()
        return released

    def finish(self) -> bytes:
        """Return the remainder.

        Raises:
            UnknownCoding: it ends within a message
        """
        if self._begun:
            raise UnknownCoding
        return self.release()

    def _refuse_over_head(self, came: bytes) -> None:
        before = len(self._came)
        near = self._came + came[: _HEAD + self._reach]
        for text, _ in self._pairs:
            first, last = max(0, before - len(text) + 1), before + _HEAD - 1 + len(text)
            if near.find(text, first, last) >= 0:
                raise UnknownCoding
        self._came = (self._came + came)[-self._reach :] if self._reach else b""

    def _replace_over_ends(self) -> None:
        if len(self._whole) > 1:
            self._replace_in([0 for _ in self._whole])
            self._replace_in([message.text_at for message in self._whole])

    def _replace_in(self, begins: Sequence[int]) -> None:
        # within the texts of all held messages, as if they were one: the end of the first, the beginning of the last
        parts = [memoryview(message.content)[begin:] for message, begin in zip(self._whole, begins, strict=True)]
        parts[0] = parts[0][max(0, len(parts[0]) - self._reach) :]
        parts[-1] = parts[-1][: self._reach]
        joined = bytearray().join(parts)
        for text, other in self._pairs:
            at = joined.find(text)
            while at >= 0:
                joined[at : at + len(text)] = other
                at = joined.find(text, at + len(text))
        at = 0
        for part in parts:
            part[:] = joined[at : at + len(part)]
            at += len(part)

    def _beyond_reach(self) -> Iterator[bytes]:
        behind = sum(len(message.content) - message.text_at for message in self._whole)
        while self._whole:
            behind -= len(self._whole[0].content) - self._whole[0].text_at
            if behind < self._reach and len(self._whole) <= _MOST_HELD:
                return
            yield self._written(self._whole.popleft())

    def _written(self, message: _Message) -> bytes:
        scrubbed = replace_texts(bytes(message.content), self._pairs)
        return bytes((message.kind,)) + len(scrubbed).to_bytes(4) + scrubbed

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


def _first_text(content: bytes | bytearray) -> int:
    # a text or bytes as the first field, as messages have them of which each is a piece of a stream
    tag_end = _number_end(content, 0)
    size_end = _number_end(content, tag_end)
    is_field = 0 < tag_end < size_end and content[0] & 7 == _OF_LENGTH
    return size_end if is_field else 0


def _number_end(content: bytes | bytearray, at: int) -> int:
    for end in range(at, min(at + _MOST_DIGITS, len(content))):
        if content[end] < 1 << 7:
            return end + 1
    return at

"""Frames GOAWAY are taken out of the bytes of HTTP/2 before `h2` reads them (RFC 9113 §6.8).

By such a frame one side says that it takes no more streams, and those that it has go on. `h2` would end them all.
"""

from typing import Final

_HEAD, _GOAWAY = 9, 7
_STREAM: Final = 0x7FFFFFFF


class GoawayFilter:
    """The bytes of one direction."""

    def __init__(self, preface: int = 0) -> None:
        """Begin with the first byte of the first frame, or of a preface of so many bytes."""
        self._held = b""  # of a frame's head, or of a GOAWAY
        self._left = preface  # bytes of the frame that passes on
        self.last: int | None = None  # the last stream that the other side takes, once it has said so

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes. Return those that are passed on."""
        data = self._held + data if self._held else data
        at, begun, pieces = 0, 0, []
        while True:
            passing = min(self._left, len(data) - at)
            self._left -= passing
            at += passing
            if self._left or len(data) - at < _HEAD:
                break
            size = int.from_bytes(data[at : at + 3])
            if data[at + 3] != _GOAWAY:
                self._left = _HEAD + size
                continue
            if len(data) - at < _HEAD + size:
                break
            last = int.from_bytes(data[at + _HEAD : at + _HEAD + 4]) & _STREAM
            self.last = last if self.last is None else min(last, self.last)
            pieces.append(data[begun:at])
            at = begun = at + _HEAD + size
        self._held = data[at:]
        pieces.append(data[begun:at])
        return b"".join(pieces)

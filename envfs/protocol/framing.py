"""Frames: a JSON object in UTF-8 behind its length, then the raw blobs that it announces.

    frame = length (4 bytes, big-endian) json blob…        json carries "blobs": [size, …] when there are any

Laws: every length is bounded before a byte of it is kept. A frame is whole or it is not there. Nothing is repaired.
"""

from envfs.core import limits
from envfs.errors import BadRequest
from envfs.protocol import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Body = dict[str, object]
_HEAD, _SMALLEST = 4, len(b"{}")


def encode_frame(body: Body, blobs: "Iterable[bytes | memoryview]" = (), limit: int = limits.FRAME_BYTES) -> bytes:
    """Return the JSON part of a frame. The caller sends the blobs after it, unchanged and in order.

    Raises:
        BadRequest: the JSON part is over `limit` bytes
    """
    sizes = [len(blob) for blob in blobs]
    text = jsontext.encode_json({**body, "blobs": sizes} if sizes else body)
    if len(text) > limit:
        raise BadRequest("the message is too long for one frame")
    return len(text).to_bytes(_HEAD, "big") + text


def read_frame(
    receive: "Callable[[int], bytes]", blob_bytes: int, frame_bytes: int = limits.FRAME_BYTES
) -> tuple[Body, tuple[bytes, ...]]:
    """Read one frame (body, blobs) from where a reader may wait. `receive` gives as many bytes as it is asked for.

    Nothing is copied once more, and what comes behind the frame is left. The bounds are those of `Decoder`.

    Raises:
        BadRequest: not a frame, or over a limit
    """
    body = _parse(receive(_json_size(receive(_HEAD), frame_bytes)))
    sizes = _announced(body.pop("blobs", []), blob_bytes)
    return body, tuple(receive(size) if size else b"" for size in sizes)


class Decoder:
    """Cuts a stream of bytes into frames, however the bytes are split.

    `blob_bytes` bounds the sum of one frame's blobs. 0 refuses all blobs. `frame_bytes` bounds the JSON part.
    """

    def __init__(self, blob_bytes: int = 0, frame_bytes: int = limits.FRAME_BYTES) -> None:
        """Start with an empty buffer."""
        self._frame_bytes = frame_bytes
        self._blob_bytes = blob_bytes
        self._buffer = bytearray()
        self._body: Body | None = None
        self._sizes: list[int] = []

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._buffer += data

    @property
    def pending(self) -> bool:
        """Tell whether part of a frame is here, so that an end of the stream would cut it."""
        return bool(self._buffer) or self._body is not None

    def next(self) -> tuple[Body, tuple[bytes, ...]] | None:
        """Return the next whole frame (body, blobs), or None when more bytes are needed.

        Raises:
            BadRequest: not a frame, or over a limit
        """
        if self._body is None and not self._take_body():
            return None
        if len(self._buffer) < sum(self._sizes):
            return None
        blobs = tuple(self._take(size) for size in self._sizes)
        body, self._body, self._sizes = self._body, None, []
        return (body, blobs) if body is not None else None

    def _take(self, size: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return taken

    def _take_body(self) -> bool:
        if len(self._buffer) < _HEAD:
            return False
        size = _json_size(self._buffer[:_HEAD], self._frame_bytes)
        if len(self._buffer) < _HEAD + size:
            return False
        self._take(_HEAD)
        self._body = _parse(self._take(size))
        self._sizes = _announced(self._body.pop("blobs", []), self._blob_bytes)
        return True


def _json_size(head: "bytes | bytearray", limit: int) -> int:
    size = int.from_bytes(head, "big")
    if not _SMALLEST <= size <= limit:
        raise BadRequest("not a frame of this protocol")
    return size


def _announced(sizes: object, limit: int) -> list[int]:
    if not isinstance(sizes, list):
        raise BadRequest("blobs must be a list of sizes")
    valid_sizes = [size for size in sizes if type(size) is int and size >= 0]
    if len(valid_sizes) != len(sizes) or sum(valid_sizes) > limit or (valid_sizes and not limit):
        raise BadRequest("a blob is over its limit")
    return valid_sizes


def _parse(text: bytes) -> Body:
    try:
        body = jsontext.decode_json(text)
    except (ValueError, RecursionError):
        raise BadRequest("a frame is not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise BadRequest("a frame is not a JSON object")
    return body

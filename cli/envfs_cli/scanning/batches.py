"""Contents side by side in memory that the daemon is given, and the way back from an offset to a line of a file.

Laws: between two contents stands a byte that no value has. A content that goes on in the next piece of memory begins
there with its last bytes again, so that what stands on the border is found.
"""

import bisect
import fcntl
import mmap
import os

from envfs.protocol.control import CONTENT_BYTES
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envfs_cli.scanning.contents import ScannedFile, ScanPlace

    Submit = Callable[["Batch"], "Batch"]

OVERLAP = 16 << 10  # bytes: more than is looked for in one piece
_BORDER = b"\0"
_LOOKED_AT = 8000  # bytes, in which a NUL tells that a content is no text, as for git


class Segment(NamedTuple):
    """A part of a content in memory: where it begins there and in the content, and the line and column of that."""

    start: int
    place: "ScanPlace"
    offset: int = 0
    line: int = 1
    column: int = 1


class Spot(NamedTuple):
    """A byte of a content. The line is 0 in what is no text."""

    place: "ScanPlace"
    offset: int
    line: int
    column: int


class Batch:
    """A piece of memory, as far as it is filled."""

    def __init__(self, size: int = CONTENT_BYTES) -> None:
        """Take memory."""
        self.descriptor = os.memfd_create("envfs-scan", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, size)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self.map = mmap.mmap(self.descriptor, size)
        self.size = 0
        self.segments: list[Segment] = []

    @property
    def room(self) -> int:
        """How many bytes there is room for."""
        return len(self.map) - self.size

    def clear(self) -> None:
        """Begin again."""
        self.size = 0
        self.segments = []

    def close(self) -> None:
        """Give the memory back."""
        self.map.close()
        os.close(self.descriptor)

    def begin(self, segment: Segment) -> None:
        """Begin a part of a content at the end of what is there."""
        self.segments.append(segment._replace(start=self.size))

    def add(self, data: "bytes | memoryview") -> None:
        """Add bytes to it."""
        self.map[self.size : self.size + len(data)] = data
        self.size += len(data)

    def continued(self) -> "tuple[Segment, bytes]":
        """Return how the last content goes on in other memory, and the bytes that it begins with there."""
        segment = self.segments[-1]
        begin = max(segment.start, self.size - OVERLAP)
        spot = self._spot(segment, begin)
        return Segment(0, segment.place, spot.offset, spot.line, spot.column), self.map[begin : self.size]

    def spot(self, offset: int) -> Spot:
        """Return where in its content a byte of the memory is."""
        number = bisect.bisect_right(self.segments, offset, key=lambda segment: segment.start) - 1
        segment = self.segments[number]
        spot = self._spot(segment, offset)
        is_text = self.map.find(_BORDER, segment.start, min(self._end(number), segment.start + _LOOKED_AT)) < 0
        return spot if is_text else spot._replace(line=0, column=0)

    def _end(self, number: int) -> int:
        if number + 1 < len(self.segments):
            return self.segments[number + 1].start - 1
        return self.size - (self.map[self.size - 1] == _BORDER[0])

    def _spot(self, segment: Segment, offset: int) -> Spot:
        before = self.map[segment.start : offset]
        lines = before.count(b"\n")
        column = offset - segment.start + segment.column
        if lines:
            column = len(before) - before.rfind(b"\n")
        return Spot(segment.place, segment.offset + offset - segment.start, segment.line + lines, column)


def fill_batch(batch: Batch, content: "ScannedFile", submit: "Submit") -> Batch:
    """Put a content into memory. Where it is full it is submitted, and goes on in other memory. Return the last one."""
    if batch.room <= OVERLAP:
        batch = submit(batch)
    batch.begin(Segment(0, content.place))
    for piece in content.pieces:
        batch = _fill_piece(batch, memoryview(piece), submit)
    batch.add(_BORDER)
    return batch


def _fill_piece(batch: Batch, piece: memoryview, submit: "Submit") -> Batch:
    while piece:
        if batch.room <= len(_BORDER):
            batch = _other_batch(batch, submit)
        size = min(len(piece), batch.room - len(_BORDER))
        batch.add(piece[:size])
        piece = piece[size:]
    return batch


def _other_batch(batch: Batch, submit: "Submit") -> Batch:
    segment, overlap = batch.continued()
    batch = submit(batch)
    batch.begin(segment)
    batch.add(overlap)
    return batch

"""Contents side by side in memory that the daemon is given, and the way back from an offset to a line of a file.

Laws: between two contents stands a byte that no value has. A content that goes on in the next piece of memory begins
there with its last bytes again, so that what stands on the border is found. A hole of a file takes no memory.
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
    """A part of a content in memory: where it begins there and in the content, and the line and column of that.

    It `has_nul` if one is among the first bytes of the content, before this part.
    """

    start: int
    place: "ScanPlace"
    offset: int = 0
    line: int = 1
    column: int = 1
    has_nul: bool = False


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
        self._latest: Segment | None = None

    @property
    def room(self) -> int:
        """How many bytes there is room for."""
        return len(self.map) - self.size

    def clear(self) -> None:
        """Begin again."""
        self.size = 0
        self.segments = []
        self._latest = None

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
        part = self._part(segment, max(segment.start, self.size - OVERLAP))
        return part._replace(start=0, has_nul=self._has_nul(segment, self.size)), self.map[part.start : self.size]

    def skip(self, size: int) -> None:
        """Leave out zeros of the last content. The bytes after them begin a part of their own, after a border."""
        segment, end = self.segments[-1], self.size
        part = self._part(segment, end)
        self.add(_BORDER)
        has_nul = self._has_nul(segment, end) or part.offset < _LOOKED_AT
        self.begin(part._replace(offset=part.offset + size, column=part.column + size, has_nul=has_nul))

    def spot(self, offset: int) -> Spot:
        """Return where in its content a byte of the memory is. It takes little time for one after the other."""
        number = bisect.bisect_right(self.segments, offset, key=lambda segment: segment.start) - 1
        segment = self.segments[number]
        latest = self._latest
        is_near = latest is not None and segment.start <= latest.start <= offset
        part = self._latest = self._part(latest if latest is not None and is_near else segment, offset)
        if self._has_nul(segment, self._end(number)):
            return Spot(part.place, part.offset, 0, 0)
        return Spot(part.place, part.offset, part.line, part.column)

    def _end(self, number: int) -> int:
        if number + 1 < len(self.segments):
            return self.segments[number + 1].start - 1
        return self.size - (self.map[self.size - 1] == _BORDER[0])

    def _has_nul(self, segment: Segment, end: int) -> bool:
        last = min(end, segment.start + _LOOKED_AT - segment.offset)
        return segment.has_nul or (last > segment.start and self.map.find(_BORDER, segment.start, last) >= 0)

    def _part(self, segment: Segment, at: int) -> Segment:
        # of a part of a content, what begins at a place in the memory
        before = self.map[segment.start : at]
        lines = before.count(b"\n")
        column = len(before) - before.rfind(b"\n") if lines else at - segment.start + segment.column
        return Segment(
            at, segment.place, segment.offset + at - segment.start, segment.line + lines, column, segment.has_nul
        )


def fill_batch(batch: Batch, content: "ScannedFile", submit: "Submit") -> Batch:
    """Put a content into memory. Where it is full it is submitted, and goes on in other memory. Return the last one."""
    if batch.room <= OVERLAP:
        batch = submit(batch)
    batch.begin(Segment(0, content.place))
    for piece in content.pieces:
        if isinstance(piece, bytes):
            batch = _fill_piece(batch, memoryview(piece), submit)
        else:
            batch = _with_room(batch, 2 * len(_BORDER), submit)
            batch.skip(piece.size)
    batch.add(_BORDER)
    return batch


def _fill_piece(batch: Batch, piece: memoryview, submit: "Submit") -> Batch:
    while piece:
        batch = _with_room(batch, 2 * len(_BORDER), submit)
        size = min(len(piece), batch.room - len(_BORDER))
        batch.add(piece[:size])
        piece = piece[size:]
    return batch


def _with_room(batch: Batch, size: int, submit: "Submit") -> Batch:
    if batch.room >= size:
        return batch
    segment, overlap = batch.continued()
    batch = submit(batch)
    batch.begin(segment)
    batch.add(overlap)
    return batch

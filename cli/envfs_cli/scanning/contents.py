"""The contents that are scanned, each with its place and its bytes piece by piece."""

import errno
import os
import sys

from envfs import safe_open
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from typing import TypeAlias

    Piece: TypeAlias = "bytes | Hole"

PIECE = 1 << 20  # bytes
_SHORT_COMMIT = 12
_BLOCK = 512  # bytes, in which st_blocks counts (stat(2))


class ScanPlace(NamedTuple):
    """A file, the members of archives that lead to the content, and the commit that brought it."""

    path: str
    inside: tuple[str, ...] = ()
    commit: str = ""

    def within(self, name: str) -> "ScanPlace":
        """Return the place of a member."""
        return self._replace(inside=(*self.inside, name))

    def shown(self) -> str:
        """Return it as one text."""
        commit = f"{self.commit[:_SHORT_COMMIT]}:" if self.commit else ""
        return commit + "!".join((self.path, *self.inside))

    @property
    def name(self) -> str:
        """The name of the innermost file."""
        return os.path.basename((self.path, *self.inside)[-1])


class Hole(NamedTuple):
    """Zeros that a file has without any room for them on its disk."""

    size: int


class ScannedFile(NamedTuple):
    """A place, and the bytes that are there. They can be taken once."""

    place: ScanPlace
    pieces: "Iterable[Piece]"


def pieces_of(handle: int, tell: "Callable[[str], None]") -> "Generator[Piece]":
    """Read a descriptor piece by piece, and close it. Say why it cannot be read further.

    It is read to the end that it has now: one that another process goes on to write would have none.
    """
    status = os.fstat(handle)
    try:
        if status.st_blocks * _BLOCK < status.st_size:
            yield from _parts(handle, status.st_size)
        else:
            yield from _read(handle, status.st_size or sys.maxsize)  # some file systems tell of no size
    except OSError as error:
        tell(safe_open.error_words(error))
    finally:
        os.close(handle)


def _parts(handle: int, size: int) -> "Generator[Piece]":
    at = 0
    while at < size:
        begin = min(_data_from(handle, at, size), size)
        if begin > at:
            yield Hole(begin - at)
        if begin == size:
            return
        at = min(_hole_from(handle, begin, size), size)
        os.lseek(handle, begin, os.SEEK_SET)
        yield from _read(handle, at - begin)


def _data_from(handle: int, at: int, size: int) -> int:
    try:
        return os.lseek(handle, at, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else at  # a hole is the rest, or this is a file that has no holes


def _hole_from(handle: int, at: int, size: int) -> int:
    try:
        return os.lseek(handle, at, os.SEEK_HOLE)
    except OSError:
        return size


def _read(handle: int, left: int) -> "Generator[bytes]":
    while left > 0 and (piece := os.read(handle, min(left, PIECE))):
        left -= len(piece)
        yield piece

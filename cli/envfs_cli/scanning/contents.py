"""The contents that are scanned, each with its place and its bytes piece by piece."""

import os
import sys

from envfs import safe_open
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

PIECE = 1 << 20  # bytes
_SHORT_COMMIT = 12


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


class ScannedFile(NamedTuple):
    """A place, and the bytes that are there. They can be taken once."""

    place: ScanPlace
    pieces: "Iterable[bytes]"


def pieces_of(handle: int, tell: "Callable[[str], None]") -> "Generator[bytes]":
    """Read a descriptor piece by piece, and close it. Say why it cannot be read further.

    It is read to the end that it has now: one that another process goes on to write would have none.
    """
    left = os.fstat(handle).st_size or sys.maxsize  # some file systems tell of no size
    try:
        while left > 0 and (piece := os.read(handle, min(left, PIECE))):
            left -= len(piece)
            yield piece
    except OSError as error:
        tell(safe_open.error_words(error))
    finally:
        os.close(handle)

"""The processes that read a level: request and row (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ListReaders(NamedTuple):
    """The live processes that have something of a level, or of one below it, open or read it. Rows: ReaderRow."""

    level: str


class ReaderRow(NamedTuple):
    """One process and what it got: in which format, by which channel, of which version.

    `state` is `open` for a file or folder of the mount that it opened, `passed on` if it ended and another process has
    that still open, and `read` for what it read before. `seconds` are those since it opened or last read it.
    """

    level: str
    version: int
    format: str
    channel: str
    uid: int
    user: str
    pid: int
    executable: str
    state: str
    seconds: int


ReadersRequest = ListReaders
ReadersRow = ReaderRow

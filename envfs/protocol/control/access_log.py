"""The access log: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ReadLog(NamedTuple):
    """The `newest` entries of the access log (0: all), oldest first. `follow` never ends. Rows: LogRow."""

    newest: int = 0
    follow: bool = False


class VerifyLog(NamedTuple):
    """Check the access log's chain from its first entry."""


class RotateLog(NamedTuple):
    """Keep the access log's file under the name of its entries, and go on in a new file."""


class RestartLog(NamedTuple):
    """Begin a new access log after the old one was lost or damaged. The new one says so in its first entry."""


class LogRow(NamedTuple):
    """One entry of the access log, as the line that stands in the file."""

    line: str


AccessLogRequest = ReadLog | VerifyLog | RotateLog | RestartLog
AccessLogRow = LogRow

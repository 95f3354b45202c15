"""The access log: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ReadLog(NamedTuple):
    """The `newest` entries of the access log (0: all), oldest first. `follow` never ends. Rows: LogRow.

    The other fields choose among them, if they are not empty (`uid` not -1): the level and all below it, the uid, the
    program or script by path or name, a program above it, the decision, the event, and the time in UTC (RFC 3339).
    """

    newest: int = 0
    follow: bool = False
    level: str = ""
    uid: int = -1
    exe: str = ""
    under: str = ""
    decision: str = ""
    event: str = ""
    since: str = ""
    until: str = ""


class CountLog(NamedTuple):
    """How many accesses there were, by level and caller, and by the hour. Rows: CallerStatRow, HourStatRow.

    The fields choose entries as those of ReadLog.
    """

    level: str = ""
    uid: int = -1
    exe: str = ""
    under: str = ""
    decision: str = ""
    event: str = ""
    since: str = ""
    until: str = ""


class VerifyLog(NamedTuple):
    """Check the access log's chain from its first entry. With a `pin` (NUMBER:HASH) also that it has that entry."""

    pin: str = ""


class RotateLog(NamedTuple):
    """Keep the access log's file under the name of its entries, and go on in a new file."""


class RestartLog(NamedTuple):
    """Begin a new access log after the old one was lost or damaged. The new one says so in its first entry."""


class LogRow(NamedTuple):
    """One entry of the access log, as the line that stands in the file."""

    line: str


class CallerStatRow(NamedTuple):
    """Numbers of one caller at a level: reads, refusals, alarms, other entries, and the times of first and last.

    `program` is the script or the executable. `user` is the uid's name, if it has one. A uid of -1 is none.
    """

    level: str
    uid: int
    user: str
    program: str
    reads: int
    refusals: int
    alarms: int
    others: int
    first: str
    last: str


class HourStatRow(NamedTuple):
    """Numbers of the hour that begins at `start` (UTC, RFC 3339): reads, refusals, alarms, other entries."""

    start: str
    reads: int
    refusals: int
    alarms: int
    others: int


AccessLogRequest = ReadLog | CountLog | VerifyLog | RotateLog | RestartLog
AccessLogRow = LogRow | CallerStatRow | HourStatRow

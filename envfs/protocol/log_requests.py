"""The requests about the access log, a part of `envfs.protocol.control` (docs/protocol.md §2)."""

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

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


class ReadSharedLog(NamedTuple):
    """The `newest` entries (0: as many as are held) that other machines shared, oldest first. Rows: LogRow.

    `machine` is the name of a machine or of a member, or the beginning of a device's key. Empty: all of them. The other
    fields choose entries as those of ReadLog. An entry has `machine` and `member` besides, and of several that differ
    in the moment alone `since`, and in `entries` their number.
    """

    newest: int = 0
    machine: str = ""
    level: str = ""
    uid: int = -1
    exe: str = ""
    under: str = ""
    decision: str = ""
    event: str = ""
    since: str = ""
    until: str = ""


class ListLogMachines(NamedTuple):
    """The devices of the vault and what they share of their logs. With `check` each log is followed whole.

    Rows: LogMachineRow. Reply: Done.
    """

    machine: str = ""
    check: bool = False


class ShareLog(NamedTuple):
    """Begin (`on`) or end (`off`) to share this machine's log with the auditors, or `send` what waits. Reply: Done."""

    action: str


class LogMachineRow(NamedTuple):
    """The shared log of a device: `entries` in so many batches, the newest sent at `time` (UTC).

    `state` is `shared`, `silent` (nothing came for two days), `none` (it shares nothing), `closed` (it is sealed to
    others), `missing` (what was here is gone) or `broken`. `is_former`: the device or its member was taken out.
    """

    member: str
    device: str
    host: str
    batches: int
    entries: int
    time: str
    state: str
    is_former: bool = False
    faults: tuple[str, ...] = ()


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


AccessLogRequest = ReadLog | CountLog | VerifyLog | RotateLog | RestartLog | ReadSharedLog | ListLogMachines | ShareLog
AccessLogRow = LogRow | CallerStatRow | HourStatRow | LogMachineRow

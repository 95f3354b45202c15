"""A report on who was given a variable's values: request, rows and reply (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class ReportIncident(NamedTuple):
    """The readers of a variable of a level's view, from `since` to before `until` (UTC; empty: no end).

    Rows: ProgressRow while the log is read, then VersionFactRow, ReaderFactRow, OtherReadRow, RefusalFactRow,
    CarrierRow and HolderRow. Reply: IncidentReported.
    """

    level: str
    name: str
    since: str = ""
    until: str = ""


class VersionFactRow(NamedTuple):
    """A version of `level` that gave the variable a value, or took it away (`value` 0).

    One value has one number, from 1 on, in all rows of a report.
    """

    level: str
    version: int
    time: str
    author: str
    author_name: str
    operation: str
    value: int
    is_current: bool


class ReaderFactRow(NamedTuple):
    """A program of a user's that was given a value: by which channel, of which version, how often, in what time.

    `reader` is the number of the program in this report, `level` where it read, `source` the level that sets the
    variable there, with its `version` in that view. `value` is 0 where it cannot be told any more. `is_clear`: the log
    says for certain that it was given the variable. `parent` started it, `agent` is a coding agent above it, and `rule`
    is what let it.
    """

    reader: int
    uid: int
    user: str
    executable: str
    script: str
    command: str
    unit: str
    parent: str
    agent: str
    rule: str
    level: str
    channel: str
    source: str
    version: int
    value: int
    is_current: bool
    is_clear: bool
    times: int
    processes: int
    first: str
    last: str


class OtherReadRow(NamedTuple):
    """The other things that a program of the report was given in that time: all of a level, or single variables."""

    reader: int
    level: str
    is_whole: bool
    times: int
    first: str
    last: str


class RefusalFactRow(NamedTuple):
    """Attempts that were refused. `what` is a format of the level, or a request."""

    uid: int
    user: str
    executable: str
    script: str
    command: str
    unit: str
    parent: str
    agent: str
    level: str
    what: str
    rule: str
    times: int
    first: str
    last: str


class CarrierRow(NamedTuple):
    """Another variable that has one of the values now, or has it in its own (`what` as in LocationRow)."""

    level: str
    version: int
    name: str
    what: str
    value: int


class IncidentReported(NamedTuple):
    """The report is whole. `source` is the level that sets the variable now, `entries` how many of the log count.

    `log_state` is `whole`, `broken`, `gap` (its begin is not here) or `unchecked`, and `log_facts` say why.
    """

    level: str
    name: str
    source: str
    since: str
    until: str
    entries: int
    log_begins: str
    log_state: str
    log_facts: tuple[str, ...]
    notes: tuple[str, ...]


IncidentsRequest = ReportIncident
IncidentsRow = VersionFactRow | ReaderFactRow | OtherReadRow | RefusalFactRow | CarrierRow
IncidentsReply = IncidentReported

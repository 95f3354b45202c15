"""The daemon's answers to a client: rows, one by one, and then one reply (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class VariableRow(NamedTuple):
    """One variable of a view."""

    name: str
    level: str


class UseFact(NamedTuple):
    """A reference to `name`, found at `level`. Empty if it is found nowhere."""

    name: str
    level: str


class FactsRow(NamedTuple):
    """A variable: the levels that set it, the top first, what it refers to, and who may misread its value.

    `refused` says why the dialect must not write its value, if so: then there is no view in it.
    """

    name: str
    levels: tuple[str, ...]
    uses: tuple[UseFact, ...]
    empty: bool
    doubts: tuple[str, ...]
    refused: str = ""


class DanglingRow(NamedTuple):
    """A reference that came to nothing, `undefined`, `later` or `cycle`, and the names that led to it."""

    kind: str
    chain: tuple[str, ...]


class LevelRow(NamedTuple):
    """One level. Version 0 has no text of its own."""

    level: str
    version: int
    time: str
    allowed: bool


class ProjectRow(NamedTuple):
    """One project. Of a locked one, `keys` is 0 and `recipients` is empty. `unfinished`: an unfinished key change."""

    project: str
    custody: str
    unlocked: bool
    levels: int
    keys: int
    recipients: tuple[str, ...]
    unfinished: bool


class KeyRow(NamedTuple):
    """One key that a project has or had, counted from 1, and how many levels' newest text it seals."""

    project: str
    number: int
    kid: str
    levels: int
    newest: bool


class ResealedRow(NamedTuple):
    """One level's newest text was sealed with its project's newest key, as a new version."""

    level: str
    version: int


class VersionRow(NamedTuple):
    """One version of a level, with the names that it changed.

    `operation` is the word for what wrote it, `source_version` and `source_level` where that took the text from (0,
    empty), `message` what its author said of it, for the owner alone. All empty where the record says nothing.
    """

    version: int
    time: str
    author: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    operation: str = ""
    source_version: int = 0
    source_level: str = ""
    message: str = ""


class GrantRow(NamedTuple):
    """One grant. `until` is wall-clock text or empty, `seconds_left` is -1 without end. `dialect` may be empty."""

    level: str
    uid: int
    user: str
    until: str
    seconds_left: int
    dialect: str = ""


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


class NewsRow(NamedTuple):
    """A change of a view: `watched`, `changed` (a reader gets something else), `locked` or `unlocked`."""

    what: str


class FaultRow(NamedTuple):
    """One record that fails, by its key in the store, and why."""

    key: str
    reason: str


class FindingRow(NamedTuple):
    """The finding of one check. `state` is `ok`, `note` or `problem`. `hint` says how to fix it, or is empty."""

    check: str
    state: str
    text: str
    hint: str = ""


class WorkingRow(NamedTuple):
    """The daemon still works on the request: it comes every few seconds, so that a client knows it from a stuck one."""


WORKING_SECONDS = 3.0  # between two of them


class Failed(NamedTuple):
    """The request was refused. The parts of an EnvFSError."""

    code: str
    text: str
    hint: str = ""
    about: str = ""


class Done(NamedTuple):
    """The request was carried out. `notes` are sentences for the person who asked."""

    notes: tuple[str, ...] = ()


class Written(NamedTuple):
    """A level has a new version, or the same one when nothing changed."""

    level: str
    version: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


VIEW_END = b"."  # the last blob behind ViewSent. It does not come if the vault was locked while the others were sent


class ViewSent(NamedTuple):
    """A view follows in blobs, the last of which is VIEW_END. `dialect` is that of its dotenv text."""

    level: str
    version: int
    variables: int
    dialect: str = "portable"


class RecoveryMade(NamedTuple):
    """Whom the keys are sealed to as well now, of how many projects, and which were left out."""

    recipient: str
    sealed: int
    notes: tuple[str, ...]


class Made(NamedTuple):
    """A vault was made."""

    vault: str
    recipient: str
    home: str
    approved_uid: int


class StatusReport(NamedTuple):
    """The daemon's state. `problems` are sentences. Empty means all is well.

    `audience` says to whom it was told: the `owner` is told all. An `approved` user `uid`, `mount`, `unlocked` and the
    number of their own grants. Any `other` user `uid`. The other fields are then empty, and mean nothing.
    """

    release: str
    pid: int
    uid: int
    vault: str
    vault_folder: str
    mount: str
    unlocked: bool
    keyholder_pid: int
    grants: int
    log: str
    log_entries: int
    problems: tuple[str, ...] = ()
    audience: str = "owner"


class Checked(NamedTuple):
    """A verification ended: how many were looked at, how many failed. `pin` is of the log: NUMBER:HASH of its end."""

    looked_at: int
    failed: int
    notes: tuple[str, ...] = ()
    pin: str = ""


Row = (
    WorkingRow
    | VariableRow
    | FactsRow
    | DanglingRow
    | LevelRow
    | ProjectRow
    | KeyRow
    | ResealedRow
    | VersionRow
    | GrantRow
    | LogRow
    | CallerStatRow
    | HourStatRow
    | NewsRow
    | FaultRow
    | FindingRow
)
Reply = Failed | Done | Written | ViewSent | RecoveryMade | Made | StatusReport | Checked

"""The messages between a client and the daemon (docs/protocol.md §2).

Laws: a secret never stands in a message: it comes in a descriptor beside the request, and goes out as a blob behind
the reply. Every request ends in exactly one reply that is not a Row; rows may come before it.
"""

from envfs.protocol import wire
from envfs.tuples import NamedTuple

VERSION = 1


class Hello(NamedTuple):
    """First on every connection, both ways: which protocol is spoken."""

    protocol: int
    release: str


# -- requests ----------------------------------------------------------------------------------------------------------


class Status(NamedTuple):
    """How is the daemon, what does it serve, what is wrong."""


class Init(NamedTuple):
    """Make a vault and an identity, approve the caller. Descriptor: the passphrase, unless `identity_file` is given."""

    identity_file: str = ""


class Unlock(NamedTuple):
    """Give the keyholder the identity, for `seconds` (0: until it is locked). Descriptor: the passphrase."""

    seconds: int = 0


class Lock(NamedTuple):
    """Make the keyholder forget the identity, and wipe every view; the mount stays."""


class Unmount(NamedTuple):
    """Undo the mount and end the daemon."""


class SetVariable(NamedTuple):
    """Set one variable of one level. Descriptor: the value; `trim` drops one final line feed of it."""

    level: str
    name: str
    trim: bool = False


class UnsetVariable(NamedTuple):
    """Remove one variable from one level's own text."""

    level: str
    name: str


class ImportText(NamedTuple):
    """Set every variable of a dotenv text, or replace the level's text by it. Descriptor: the text."""

    level: str
    replace: bool = False


class ReadView(NamedTuple):
    """Ask for a view. The reply is ViewSent and one blob.

    `form` is `dotenv` (text), `environ` (NAME=value NUL …) or `value` (the one variable in `only`); `door` is the
    command's name, for the log; `version` 0 is now, else the level as it was at that version.
    """

    level: str
    form: str
    door: str
    only: tuple[str, ...] = ()
    version: int = 0


class ListVariables(NamedTuple):
    """Which variables a view has and which level sets each. Rows: VariableRow."""

    level: str
    version: int = 0


class ListLevels(NamedTuple):
    """The levels at and below one. Rows: LevelRow."""

    level: str = "/"


class ListHistory(NamedTuple):
    """The `newest` versions of one level (0: all), the newest first. Rows: VersionRow."""

    level: str
    newest: int = 0


class Rollback(NamedTuple):
    """Write a new version with the text of an old one."""

    level: str
    version: int


class Grant(NamedTuple):
    """Allow a uid to read a level and all below it; `seconds` 0 is without end."""

    level: str
    uid: int
    seconds: int = 0


class Revoke(NamedTuple):
    """Take the grants of a uid on exactly this level back."""

    level: str
    uid: int


class ListGrants(NamedTuple):
    """All grants. Rows: GrantRow."""


class ReadLog(NamedTuple):
    """The `newest` entries of the access log (0: all), oldest first; `follow` never ends. Rows: LogRow."""

    newest: int = 0
    follow: bool = False


class VerifyLog(NamedTuple):
    """Check the access log's chain from its first entry."""


class RestartLog(NamedTuple):
    """Begin a new access log after the old one was lost or damaged; the new one says so in its first entry."""


class VerifyVault(NamedTuple):
    """Check every record of the vault. Rows: FaultRow for each that fails."""


class Accept(NamedTuple):
    """Accept a stream as it is now, after a rollback was noticed."""

    level: str


class Examine(NamedTuple):
    """What protects the daemon and its keyholder, and what is wrong with the installation. Rows: FindingRow."""


# -- rows and replies --------------------------------------------------------------------------------------------------


class VariableRow(NamedTuple):
    """One variable of a view."""

    name: str
    level: str


class LevelRow(NamedTuple):
    """One level; version 0 has no text of its own."""

    level: str
    version: int
    time: str
    allowed: bool


class VersionRow(NamedTuple):
    """One version of a level, with the names that it changed."""

    version: int
    time: str
    author: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


class GrantRow(NamedTuple):
    """One grant; `until` is wall-clock text or empty, `seconds_left` is -1 without end."""

    level: str
    uid: int
    user: str
    until: str
    seconds_left: int


class LogRow(NamedTuple):
    """One entry of the access log, as the line that stands in the file."""

    line: str


class FaultRow(NamedTuple):
    """One record that fails, by its key in the store, and why."""

    key: str
    reason: str


class FindingRow(NamedTuple):
    """What one check found. `state` is `ok`, `note` or `problem`; `hint` says how to mend it, or is empty."""

    check: str
    state: str
    text: str
    hint: str = ""


class Failed(NamedTuple):
    """The request was refused; the three parts of an EnvFSError."""

    code: str
    text: str
    hint: str = ""


class Done(NamedTuple):
    """The request was carried out; `notes` are sentences for the person who asked."""

    notes: tuple[str, ...] = ()


class Written(NamedTuple):
    """A level has a new version, or the same one when nothing changed."""

    level: str
    version: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


VIEW_END = b"."  # the last blob behind ViewSent; it does not come if the vault was locked while the others were sent


class ViewSent(NamedTuple):
    """A view follows in blobs, the last of which is VIEW_END."""

    level: str
    version: int
    variables: int


class Made(NamedTuple):
    """A vault was made."""

    vault: str
    recipient: str
    home: str
    approved_uid: int


class StatusReport(NamedTuple):
    """The daemon's state. `problems` are sentences; empty means all is well."""

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


class Checked(NamedTuple):
    """A verification ended: how many were looked at, how many failed."""

    looked_at: int
    failed: int
    notes: tuple[str, ...] = ()


Request = (
    Status
    | Init
    | Unlock
    | Lock
    | Unmount
    | SetVariable
    | UnsetVariable
    | ImportText
    | ReadView
    | ListVariables
    | ListLevels
    | ListHistory
    | Rollback
    | Grant
    | Revoke
    | ListGrants
    | ReadLog
    | VerifyLog
    | RestartLog
    | VerifyVault
    | Accept
    | Examine
)
Row = VariableRow | LevelRow | VersionRow | GrantRow | LogRow | FaultRow | FindingRow
Reply = Failed | Done | Written | ViewSent | Made | StatusReport | Checked

REQUESTS = wire.table(Hello, *Request.__args__)
REPLIES = wire.table(Hello, *Row.__args__, *Reply.__args__)
ROWS: tuple[type, ...] = Row.__args__
DESCRIPTORS = {Init: 1, Unlock: 1, SetVariable: 1, ImportText: 1}  # how many at most come with a request

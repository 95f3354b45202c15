"""The vault, its identity and the daemon: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class Status(NamedTuple):
    """How is the daemon, what does it serve, what is wrong."""


class WatchStatus(NamedTuple):
    """How the daemon is, at once and whenever that changes, until the client leaves. Rows: StatusRow."""


class Init(NamedTuple):
    """Make a vault and an identity, approve the caller. Descriptor: the passphrase, unless `identity_file` is given."""

    identity_file: str = ""


class Unlock(NamedTuple):
    """Give the keyholder the identity, or a project's keys, for `seconds` (0: until it is locked).

    Descriptor: the passphrase. `project` is a name or a path such as `/shop`. Empty for the vault.
    """

    seconds: int = 0
    project: str = ""


class Lock(NamedTuple):
    """Make the keyholder forget the identity, or a project's keys, and wipe the views. The mount stays."""

    project: str = ""


class ChangePassphrase(NamedTuple):
    """Put the identity under another passphrase. Descriptors: the old one, the new one."""


class KeepIdentity(NamedTuple):
    """Keep the identity in a keyring of the operating system as well. Descriptor: its passphrase."""

    keyring: str


class ForgetIdentity(NamedTuple):
    """Take the identity out of the keyring again."""


class BringIdentity(NamedTuple):
    """Use an identity that the client has, in a daemon for its one command alone. Reply: Done.

    Descriptor: the identity. The client's user needs no rule from then on.
    """


class AddRecovery(NamedTuple):
    """Seal every managed project's keys to one recipient more, now and from now on. Reply: RecoveryMade.

    Without `recipient` an identity is made for it. Descriptor: where that is written.
    """

    recipient: str = ""


class Unmount(NamedTuple):
    """Undo the mount and end the daemon."""


class VerifyVault(NamedTuple):
    """Check every record of the vault. Rows: FaultRow for each that fails.

    `repair` first writes what the index lacks.
    """

    repair: bool = False


class Backup(NamedTuple):
    """Write vault, settings, rules and log as they are now into one file. Descriptor: the file. Reply: BackedUp."""


class Accept(NamedTuple):
    """Accept a stream as it is now, after a rollback was noticed."""

    level: str


class ListAuthors(NamedTuple):
    """The authors of versions, and others that have a name. Rows: AuthorRow."""


class NameAuthor(NamedTuple):
    """Call an author by a name, or (empty) by none. `author` is a key, the beginning of one, or the name before."""

    author: str
    name: str


class AuthorRow(NamedTuple):
    """An author: the key, the name that the owner gave, and `owner`, `author`, `former author` or `unknown` here."""

    author: str
    name: str
    standing: str


class Diagnose(NamedTuple):
    """The protections of daemon and keyholder, and the faults of the installation. Rows: FindingRow."""


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


class Made(NamedTuple):
    """A vault was made."""

    vault: str
    recipient: str
    home: str
    approved_uid: int


class RecoveryMade(NamedTuple):
    """Whom the keys are sealed to as well now, of how many projects, and which were left out."""

    recipient: str
    sealed: int
    notes: tuple[str, ...]


class DescribeVault(NamedTuple):
    """Say what is in the vault, who opens it and what vouches for it. Reply: VaultInfo."""


class VaultInfo(NamedTuple):
    """A vault. Times are UTC, and empty if there is none or it is not known. `free` is -1 if that is not known.

    `in_passphrase`: the identity is under a passphrase, in its usual place. `locked` are projects that a person locked.
    `checkpoint` is the newest one of this log, over the entry `checkpoint_entry`, and so many `witnesses` hold it.
    """

    vault: str
    folder: str
    format: int
    created: str
    projects: int
    zero_knowledge: int
    levels: int
    versions: int
    removed: tuple[str, ...]
    bytes: int
    bytes_estimated: bool
    free: int
    oldest: str
    newest: str
    times_estimated: bool
    recipient: str
    author: str
    recipients: tuple[str, ...]
    identity: str
    in_passphrase: bool
    keyring: str
    unlocked: bool
    locked: tuple[str, ...]
    log: str
    log_entries: int
    log_files: int
    log_bytes: int
    log_problem: str
    checkpoint: int
    checkpoint_entry: int
    witnesses: int
    verified: str
    verify_failed: int
    backed_up: str


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


class StatusRow(NamedTuple):
    """The daemon's state in short. `audience` as in StatusReport: `other` is told that a daemon runs.

    An `approved` user learns `unlocked` too. `locked` are projects that are locked while the vault is not. `engine` is
    the state of SharingReport, and empty without one. `waiting` and `conflicts` as there.
    """

    audience: str
    unlocked: bool = False
    locked: tuple[str, ...] = ()
    engine: str = ""
    waiting: int = 0
    conflicts: int = 0
    problems: tuple[str, ...] = ()


class BackedUp(NamedTuple):
    """A backup was written: of which vault, how many files and how many bytes it holds."""

    vault: str
    files: int
    size: int


class Checked(NamedTuple):
    """A verification ended: how many were looked at, how many failed. `pin` is of the log: NUMBER:HASH of its end."""

    looked_at: int
    failed: int
    notes: tuple[str, ...] = ()
    pin: str = ""


VaultRequest = (
    Status
    | WatchStatus
    | Init
    | BringIdentity
    | Unlock
    | Lock
    | ChangePassphrase
    | KeepIdentity
    | ForgetIdentity
    | AddRecovery
    | Unmount
    | VerifyVault
    | Backup
    | Accept
    | DescribeVault
    | ListAuthors
    | NameAuthor
    | Diagnose
)
VaultRow = FaultRow | FindingRow | AuthorRow | StatusRow
VaultReply = Made | BackedUp | RecoveryMade | StatusReport | VaultInfo | Checked

"""The messages between a client and the daemon (docs/protocol.md §2).

Laws: a secret never stands in a message: it comes in a descriptor beside the request, and goes out as a blob behind
the reply. Every request ends in exactly one reply that is not a Row. Rows may come before it.
"""

from envfs.protocol import wire
from envfs.protocol.log_requests import *  # noqa: F403 - as below
from envfs.protocol.log_requests import CountLog, ReadLog, RestartLog, RotateLog, VerifyLog
from envfs.protocol.replies import *  # noqa: F403 - requests and replies are one vocabulary, under one name
from envfs.protocol.replies import Reply, Row
from envfs.tuples import NamedTuple

VERSION = 1


class Hello(NamedTuple):
    """First on every connection, both ways: which protocol is spoken."""

    protocol: int
    release: str


class Status(NamedTuple):
    """How is the daemon, what does it serve, what is wrong."""


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


class NewProject(NamedTuple):
    """Make a project with custody `managed` or `zero-knowledge`. Descriptor: the latter's passphrase."""

    project: str
    custody: str


class ListProjects(NamedTuple):
    """The projects that have a key. Rows: ProjectRow."""


class ChangeCustody(NamedTuple):
    """Seal a project's keys to a passphrase alone, or to recipients again. Rows: ResealedRow.

    Descriptor: the passphrase that it is or was under.
    """

    project: str
    custody: str


class ChangeProjectPassphrase(NamedTuple):
    """Put a zero-knowledge project under another passphrase. Descriptors: the old one, the new one."""

    project: str


class ChangeRecipients(NamedTuple):
    """Change whom a managed project's keys are sealed to, beside the owner. Rows: ResealedRow."""

    project: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class ListKeys(NamedTuple):
    """The keys of one project, or of all (empty). Rows: KeyRow."""

    project: str = ""


class RotateKey(NamedTuple):
    """Give a project a new key, and seal each level's newest text with it. Rows: ResealedRow.

    Descriptor: the passphrase of a zero-knowledge project.
    """

    project: str


class AddRecovery(NamedTuple):
    """Seal every managed project's keys to one recipient more, now and from now on. Reply: RecoveryMade.

    Without `recipient` an identity is made for it. Descriptor: where that is written.
    """

    recipient: str = ""


class Unmount(NamedTuple):
    """Undo the mount and end the daemon."""


class CheckWrite(NamedTuple):
    """Say what would refuse a new value of a variable, before a person is asked for it. Reply: Done."""

    level: str
    name: str


class SetVariable(NamedTuple):
    """Set one variable of one level. Descriptor: the value. `trim` drops the line end of a value of one line.

    With `template` the value may refer to other variables. `message` is sealed with the new version, here as in the
    other requests that write one.
    """

    level: str
    name: str
    trim: bool = False
    template: bool = False
    message: str = ""


class UnsetVariable(NamedTuple):
    """Remove one variable from one level's own text."""

    level: str
    name: str
    message: str = ""


class RenameVariable(NamedTuple):
    """Give one variable of one level's own text another name, where it stands."""

    level: str
    name: str
    new_name: str
    message: str = ""


class ImportText(NamedTuple):
    """Set every variable of a dotenv text, or replace the level's text by it. Descriptor: the text.

    With `dry` nothing is written, and the reply says what would be changed.
    """

    level: str
    replace: bool = False
    dry: bool = False
    message: str = ""


class ReadView(NamedTuple):
    """Ask for a view. The reply is ViewSent and one blob.

    `format` is `dotenv`, `json` or `example` (texts), `environ` (NAME=value NUL …), `exec`, `value` (the variable in
    `only`) or `own`. `exec` is `environ`, and behind a NUL more what is left of templates that refer to a command's
    environment. `own` is the level's own text to the letter in place of a view, and the reply says of which version.
    `channel` is the command's name, for the log. `version` 0 is now, else the level as it was at that version.
    `dialect` is that of a dotenv text, empty for the one that the grant or the level asks for.
    """

    level: str
    format: str
    channel: str
    only: tuple[str, ...] = ()
    version: int = 0
    dialect: str = ""


class DescribeView(NamedTuple):
    """The facts about a view, without its values. Rows: FactsRow, DanglingRow.

    Doubts are those of `dialect`. Empty for the one that the grant or the level asks for.
    """

    level: str
    version: int = 0
    dialect: str = ""


class WatchView(NamedTuple):
    """The changes of a view, until the client leaves. Rows: NewsRow, the first one as soon as it is watched."""

    level: str


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
    """Write a new version with the text of an old one. Raises NoSuchLevel for version 0."""

    level: str
    version: int
    message: str = ""


class GrantAccess(NamedTuple):
    """Allow a uid to read a level and all below it. `seconds` 0 is without end.

    `dialect` is that of the dotenv texts it gets. Empty for what the levels ask for.
    """

    level: str
    uid: int
    seconds: int = 0
    dialect: str = ""


class Revoke(NamedTuple):
    """Take the grants of a uid on exactly this level back."""

    level: str
    uid: int


class ListGrants(NamedTuple):
    """All grants. Rows: GrantRow."""


class VerifyVault(NamedTuple):
    """Check every record of the vault. Rows: FaultRow for each that fails.

    `repair` first writes what the index lacks.
    """

    repair: bool = False


class Accept(NamedTuple):
    """Accept a stream as it is now, after a rollback was noticed."""

    level: str


class Diagnose(NamedTuple):
    """The protections of daemon and keyholder, and the faults of the installation. Rows: FindingRow."""


Request = (
    Status
    | Init
    | Unlock
    | Lock
    | ChangePassphrase
    | KeepIdentity
    | ForgetIdentity
    | NewProject
    | ListProjects
    | ChangeCustody
    | ChangeProjectPassphrase
    | ChangeRecipients
    | ListKeys
    | RotateKey
    | AddRecovery
    | Unmount
    | CheckWrite
    | SetVariable
    | UnsetVariable
    | RenameVariable
    | ImportText
    | ReadView
    | DescribeView
    | WatchView
    | ListVariables
    | ListLevels
    | ListHistory
    | Rollback
    | GrantAccess
    | Revoke
    | ListGrants
    | ReadLog
    | CountLog
    | VerifyLog
    | RotateLog
    | RestartLog
    | VerifyVault
    | Accept
    | Diagnose
)
REQUESTS = wire.message_table(Hello, *Request.__args__)
REPLIES = wire.message_table(Hello, *Row.__args__, *Reply.__args__)
ROWS: tuple[type, ...] = Row.__args__
DESCRIPTORS: dict[type, int] = {  # how many at most come with a request
    **dict.fromkeys((Init, Unlock, KeepIdentity, NewProject, ChangeCustody, RotateKey, AddRecovery), 1),
    **dict.fromkeys((SetVariable, ImportText), 1),
    **dict.fromkeys((ChangePassphrase, ChangeProjectPassphrase), 2),
}

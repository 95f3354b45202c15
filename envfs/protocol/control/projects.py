"""The projects and their keys: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class NewProject(NamedTuple):
    """Make a project with custody `managed` or `zero-knowledge`. Descriptor: the latter's passphrase."""

    project: str
    custody: str


class ListProjects(NamedTuple):
    """The projects that have a key. Rows: ProjectRow."""


class ChangeCustody(NamedTuple):
    """Seal a project's keys to a passphrase alone, or to recipients again. Rows: ResealedRow.

    Descriptor: the passphrase that it is or was under. `message` is sealed with each new version, here as in the other
    requests that seal levels again.
    """

    project: str
    custody: str
    message: str = ""


class ChangeProjectPassphrase(NamedTuple):
    """Put a zero-knowledge project under another passphrase. Descriptors: the old one, the new one."""

    project: str


class ChangeRecipients(NamedTuple):
    """Change whom a managed project's keys are sealed to, beside the owner. Rows: ResealedRow."""

    project: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    message: str = ""


class ListKeys(NamedTuple):
    """The keys of one project, or of all (empty). Rows: KeyRow."""

    project: str = ""


class RotateKey(NamedTuple):
    """Give a project a new key, and seal each level's newest text with it. Rows: ResealedRow.

    Descriptor: the passphrase of a zero-knowledge project.
    """

    project: str
    message: str = ""


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


ProjectsRequest = (
    NewProject | ListProjects | ChangeCustody | ChangeProjectPassphrase | ChangeRecipients | ListKeys | RotateKey
)
ProjectsRow = ProjectRow | KeyRow | ResealedRow

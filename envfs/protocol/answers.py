"""The keyholder's answers to the daemon (docs/protocol.md §3)."""

from envfs.core.dangling import DanglingKind
from envfs.core.differences import Difference
from envfs.core.finding import FindingKind
from envfs.core.protection import Protection
from envfs.core.rotation import Directives
from envfs.protocol import wire
from envfs.protocol.scanning_requests import TextScanned
from envfs.tuples import NamedTuple


class IdentityMade(NamedTuple):
    """The public half of the identity that is now held."""

    recipient: str
    signing_key: str


class Copied(NamedTuple):
    """The identity was written."""


class Rewrapped(NamedTuple):
    """The identity under its new passphrase is the reply's blob."""


class Forgotten(NamedTuple):
    """Nothing is held."""


class Held(NamedTuple):
    """A project's keys are held."""


class KeysDescribed(NamedTuple):
    """The names of a project's keys, the newest first, and the recipients of the file.

    `pending` is a former member who still has the newest key, or empty.
    """

    kids: tuple[str, ...]
    recipients: tuple[str, ...]
    pending: str = ""


class Sealed(NamedTuple):
    """A new record is the reply's blob. `doubtful`: what was written may be misread, or refer to nothing.

    Of a merge, `unmerged` are the variables that both sides changed, and of `comments` too one side was left out.
    """

    kid: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubtful: bool = False
    unmerged: tuple[str, ...] = ()
    comments: bool = False


class Unchanged(NamedTuple):
    """The operation changes nothing, so no record was made."""


class Rendered(NamedTuple):
    """A view of so many variables stands in the region whose descriptor comes with the reply.

    `sizes` are those of its parts in bytes, one after the other as `protocol.parts` names them. `dialect` is that of
    the dotenv text.
    """

    sizes: tuple[int, ...]
    variables: int
    dialect: str


class Use(NamedTuple):
    """A reference at a place of a variable's text to `name`, found at `level`. Both are empty if no level sets it."""

    name: str
    level: str
    line: int
    column: int


class Facts(NamedTuple):
    """The facts about a variable: the levels that set it, the top first, its references, what is doubtful.

    `refused` says why the view's dialect must not write its value, if so.
    """

    name: str
    levels: tuple[str, ...]
    uses: tuple[Use, ...]
    empty: bool
    doubts: tuple[str, ...]
    refused: str = ""


class Dangling(NamedTuple):
    """A reference that came to nothing, the variables that led to it, and its place in the text of a level.

    The chain ends with the name that it is to, but for an undefined one. Column 0: the caller is not to know.
    """

    kind: DanglingKind
    chain: tuple[str, ...]
    level: str
    line: int
    column: int


class WrongDirective(NamedTuple):
    """A directive in a level's text that counts for nothing, and why. Line and column count from 1."""

    level: str
    line: int
    column: int
    text: str


class Examined(NamedTuple):
    """The facts of a view, what came to nothing, and wrong directives: limits.FINDINGS at most of each."""

    variables: tuple[Facts, ...]
    dangling: tuple[Dangling, ...]
    directives: tuple[WrongDirective, ...] = ()


class Renaming(NamedTuple):
    """A variable that has another name now: its value left the one and came to the other, in one version."""

    before: str
    now: str


class VersionChange(NamedTuple):
    """The changes of one version, and its note: the operation, with its version or level, and the message.

    A variable that was renamed is among `added` and `removed` too.
    """

    version: int
    author: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    operation: str = ""
    source_version: int = 0
    source_level: str = ""
    message: str = ""
    renamed: tuple[Renaming, ...] = ()


class Hit(NamedTuple):
    """A variable that was found in the layer of that number. `name` is empty for a comment."""

    layer: int
    name: str
    what: FindingKind


class Found(NamedTuple):
    """The variables that were found in texts."""

    hits: tuple[Hit, ...]


class SharedDirectives(NamedTuple):
    """The directives of variables in the layer of that number: those that have the same ones stand together."""

    layer: int
    directives: Directives
    names: tuple[str, ...]


class DirectivesRead(NamedTuple):
    """The variables of which texts say something."""

    groups: tuple[SharedDirectives, ...]


class Matched(NamedTuple):
    """For each layer one text, with a sign for each name: `=` the same value, `~` another one, `-` none."""

    signs: tuple[str, ...]


class Trace(NamedTuple):
    """The layer of a view that sets a variable, by its place in the view, -1 for none, and a mark for the value there.

    `places` are those of the variable, and of the others whose values are made of it, in the alphabetical order of the
    names that are shown. One value has one mark, as long as the keyholder runs.
    """

    layer: int
    mark: str = ""
    places: tuple[int, ...] = ()


class Traced(NamedTuple):
    """The traces of a variable in the views asked for, in their order."""

    traces: tuple[Trace, ...]


class Compared(NamedTuple):
    """The changes of the versions asked for, in their order."""

    versions: tuple[VersionChange, ...]


class ChangedNames(NamedTuple):
    """The names to add, to change and to remove on the way from one text to another."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


class Differing(NamedTuple):
    """The differences of each pair in the request."""

    pairs: tuple[Difference, ...]


class Bound(NamedTuple):
    """The variables of a proxy stand in the region whose descriptor comes with the reply, of `size` bytes.

    `canaries` are the names of those with a value in it that is a canary's.
    """

    size: int
    canaries: tuple[str, ...] = ()


class AuthorityMade(NamedTuple):
    """The certificate of an authority is the reply's blob."""


class ValuesSealed(NamedTuple):
    """So many values were sealed. The blob has them."""

    sealed: int


class LeafMade(NamedTuple):
    """A host's certificate, with its key, is in the memory whose descriptor comes with the reply."""

    size: int


class Faults(NamedTuple):
    """One text an item asked about. Empty means that all is well."""

    texts: tuple[str, ...]


class Signed(NamedTuple):
    """A checkpoint is the reply's blob. `signature` is that of the log's own line, Ed25519 in base64url."""

    signature: str


class Stated(NamedTuple):
    """A signed statement of the vault is the reply's blob."""


class OwnKeys(NamedTuple):
    """The public keys of the held identity: its age recipient and its signing key in base64url."""

    recipient: str
    author: str


class BatchesOpened(NamedTuple):
    """The fault of each batch. Empty where it was opened."""

    faults: tuple[str, ...]


class Refused(NamedTuple):
    """The parts of an EnvFSError."""

    code: str
    text: str
    hint: str = ""
    about: str = ""


REPLIES = wire.message_table(
    Bound,
    AuthorityMade,
    LeafMade,
    ValuesSealed,
    IdentityMade,
    Rewrapped,
    Copied,
    Forgotten,
    Held,
    KeysDescribed,
    Sealed,
    Unchanged,
    Rendered,
    Examined,
    Compared,
    Found,
    DirectivesRead,
    Matched,
    Traced,
    TextScanned,
    ChangedNames,
    Differing,
    Faults,
    Signed,
    Stated,
    OwnKeys,
    BatchesOpened,
    Refused,
    Protection,
)

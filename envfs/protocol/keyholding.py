"""The messages between the daemon and its keyholder (docs/protocol.md §3).

Laws: one conversation is one request and one reply on a socket of its own. Records travel as blobs, secrets as
descriptors. The daemon gets ciphertext, public facts, and finished views in a region of memory.
"""

from envfs.core.addresses import MemberRecords, RecordAddress, SealedLayer
from envfs.core.keyfile import Custody
from envfs.core.operations import Operation
from envfs.core.protection import Protection
from envfs.core.rotation import RotationPhase
from envfs.protocol import answers, wire
from envfs.protocol.answers import *  # noqa: F403 - requests and answers are one vocabulary, under one name
from envfs.protocol.keyholder_searches import *  # noqa: F403
from envfs.protocol.keyholder_searches import FindCarriers, SearchTexts, TraceVariables
from envfs.protocol.member_requests import *  # noqa: F403
from envfs.protocol.member_requests import CheckMembers, OwnDevice, RotateIdentity, SignEntry
from envfs.protocol.proxy_sessions import *  # noqa: F403
from envfs.protocol.proxy_sessions import PROXY_ANSWERS
from envfs.protocol.rotation_requests import *  # noqa: F403
from envfs.protocol.rotation_requests import MatchValues, ReadDirectives
from envfs.protocol.scanning_requests import *  # noqa: F403
from envfs.protocol.scanning_requests import ScanText, TextScanned
from envfs.protocol.sealing_requests import *  # noqa: F403
from envfs.protocol.sealing_requests import SEALING_ANSWERS
from envfs.protocol.shared_log_requests import *  # noqa: F403
from envfs.tuples import NamedTuple

NO_ROOM = 71  # how a keyholder ends that can start no process


class SealedKeyFile(NamedTuple):
    """A project's key at a place. The age file is a blob."""

    place: RecordAddress


class CreateIdentity(NamedTuple):
    """Make an identity and hold it. Descriptor: a passphrase to read, or (with `plain`) the file to write it to.

    Reply: IdentityMade. Without `plain` one blob, the identity as an age passphrase file. `founder` is the owner of the
    vault that it is to join.
    """

    plain: bool
    founder: str = ""


class LoadIdentity(NamedTuple):
    """Hold an identity. Descriptors: the identity (age file or plain), then the passphrase if it is encrypted.

    In a vault with a list of members (blobs) it is that of a device that is in the list at `time`. `founder` is the
    owner whose vault this home joined. Empty for the owner's own home. With `joins` it is not in the list
    yet.
    """

    owner_recipient: str
    owner_signing_key: str
    project: str | None = None  # the one whose mark is removed. None for all
    reopen: bool = True  # if not, every mark stays
    vault: str = ""
    time: str = ""
    founder: str = ""
    members: MemberRecords | None = None
    joins: bool = False


class Rewrap(NamedTuple):
    """Put the identity under another passphrase. Descriptors: the identity, the old passphrase, the new one.

    Reply: Rewrapped and one blob, the age file. The held identity does not change.
    """


class CopyIdentity(NamedTuple):
    """Write the unencrypted identity to its new place. Descriptors: the identity, its passphrase, the place.

    Reply: Copied. The passphrase is wanted though the identity is held, so that only who knows it can have a copy.
    """


class CreateRecovery(NamedTuple):
    """Make an identity that is held nowhere, or only check a `recipient`. Reply: IdentityMade.

    Descriptor: where to write the identity.
    """

    recipient: str = ""


class Forget(NamedTuple):
    """Hold nothing any more, or nothing of one project of that custody. Reply: Forgotten.

    A managed project is marked as locked, and its mark stays until LoadIdentity removes it.
    """

    project: str | None = None
    custody: Custody | None = None


class SealKeys(NamedTuple):
    """Make a project's keys, or seal those of the key file `head` again. Reply: Sealed and one blob, the age file.

    `fresh` puts a new key in front. With custody `managed` it is sealed to `recipients` (empty: as before). With
    `zero-knowledge` to a passphrase, and held. Descriptors: the passphrase of `head`, if it is under one. Then the new
    one, if custody is `zero-knowledge` and it changes. Then, with `plugins`, a socket to a process that can run them.
    In a vault with members, whose records are blobs, it is sealed to those whom their list has for the project.
    """

    place: RecordAddress
    time: str
    custody: Custody
    recipients: tuple[str, ...]
    fresh: bool
    head: RecordAddress | None = None
    plugins: bool = False
    members: MemberRecords | None = None


class HoldKeys(NamedTuple):
    """Hold the keys of a key file that is under a passphrase. Reply: Held.

    Descriptor: the passphrase. Blob: the file, and the members behind it.
    """

    place: RecordAddress
    members: MemberRecords | None = None


class DescribeKeys(NamedTuple):
    """The content of a project's key file. Blob: the file, and the members behind it. Reply: KeysDescribed."""

    place: RecordAddress
    members: MemberRecords | None = None


class WriteLevel(NamedTuple):
    """Apply an operation to a level's text and seal the result. Reply: Sealed (one blob) or Unchanged.

    `set` and `template` come with `name` and a descriptor for the value, or with `names` and one for their values, each
    ended by a NUL, `unset` with `name` or `names`, `rename` with `name` and `new_name`, `rotate` with
    `name`, `phase` and where the value before is kept `until`, `merge` and `replace` with a descriptor for the text,
    `restore` with the layer `restore`, and with `names` for these alone, `copy` and `move`
    with one of another level there, `copy` with `names` too. `head` is None for a level without text. `trim` drops the
    line end of a value of one line. `message` is sealed into the record's note. `members` as in Layer. With `always` an
    unchanged text is sealed as well. With `quiet` it is no error to unset a name that is not there. With `half` the
    level counts as removed, until the next version. `rebase` comes with the version that waited as `restore`, and the
    one that it was made of as `base`, if there was one. Of `names` it counts, whatever others wrote.
    """

    place: RecordAddress
    time: str
    operation: Operation
    name: str
    key: RecordAddress
    key_blob: int
    head: SealedLayer | None = None
    restore: SealedLayer | None = None
    trim: bool = False
    new_name: str = ""
    message: str = ""
    members: MemberRecords | None = None
    canary: bool = False
    always: bool = False
    quiet: bool = False
    half: bool = False
    names: tuple[str, ...] = ()
    phase: RotationPhase = RotationPhase.DIRECT
    until: str = ""
    base: SealedLayer | None = None


class RenderView(NamedTuple):
    """Merge layers, the top first, into a view. Reply: Rendered and the descriptor of the region.

    `dialect` is that of its dotenv text. Empty for what the texts ask for. `ordinary` asks for a region outside of
    secret memory, of which the daemon may map no more. `masked` and `only` as in core.access.face: with placeholders,
    and with these names alone.
    """

    layers: tuple[SealedLayer, ...]
    dialect: str = ""
    ordinary: bool = False
    masked: bool = False
    only: tuple[str, ...] = ()


class RenderOwn(NamedTuple):
    """Give a level's own text to the letter. `layers` is its record, or empty. Reply: Rendered and the region.

    The text is the part `dotenv`, and the other parts are empty. `ordinary` as in RenderView.
    """

    layers: tuple[SealedLayer, ...]
    ordinary: bool = False


class ExamineView(NamedTuple):
    """The facts about a view, without its values. Reply: Examined.

    Doubts are those of `dialect`. Empty for what the texts ask for. With `doubtful`, only variables that have some, or
    that the dialect refuses, are told of.
    """

    layers: tuple[SealedLayer, ...]
    dialect: str = ""
    doubtful: bool = False


class Pair(NamedTuple):
    """Two views to compare: the layers of each, the top first, by their place in the request."""

    before: tuple[int, ...]
    now: tuple[int, ...]


class CompareViews(NamedTuple):
    """In what the views of each pair differ, to a reader. Reply: Differing."""

    layers: tuple[SealedLayer, ...]
    pairs: tuple[Pair, ...]


class CompareVersions(NamedTuple):
    """Which names each version of one level changed against the one before. Reply: Compared.

    Versions that were forgotten are left out. Layers before version `first` serve only to compare with. If there is
    none, all that this version has was added.
    """

    layers: tuple[SealedLayer, ...]
    first: int = 1


class CompareTexts(NamedTuple):
    """In which names two texts differ. Reply: ChangedNames.

    Each side are the layers of a view, the top first. With `own` it is one level's own text, or none.
    """

    before: tuple[SealedLayer, ...]
    now: tuple[SealedLayer, ...]
    own: bool = False


class CheckRecords(NamedTuple):
    """Open each record and check its signature. Reply: Faults, one text for each layer, empty where all is well."""

    layers: tuple[SealedLayer, ...]


class CheckKeys(NamedTuple):
    """Open each key file. Reply: Faults."""

    keys: tuple[SealedKeyFile, ...]
    members: MemberRecords | None = None


class SignCheckpoint(NamedTuple):
    """Make the next checkpoint of the access log. Reply: Signed and one blob, the checkpoint.

    Blobs: the claim (core.checkpoint), and the checkpoint before, if there is one. `accepted` says that a person took
    the vault or the log as it is, so that it need not follow from the last one that was signed.
    """

    place: RecordAddress
    time: str
    accepted: bool = False


class CheckCheckpoints(NamedTuple):
    """Check signature and place of each checkpoint. Each is a blob. Reply: Faults.

    With the members behind them, a checkpoint may be that of another device of the vault.
    """

    places: tuple[RecordAddress, ...]
    members: MemberRecords | None = None


class VerifyCheckpoint(NamedTuple):
    """Check the signatures in the access log's own lines against the owner's key. Reply: Faults."""

    checkpoints: tuple[tuple[str, ...], ...]


class SignTombstone(NamedTuple):
    """Say that the bytes of some records were forgotten. Reply: Stated and one blob, the tombstone.

    `records` are the numbers of key files whose bytes are the blobs, and `lost` of those that are empty already. Of a
    level come the `layers` of its versions, and behind them that of a newer one, which stays.
    """

    place: RecordAddress
    time: str
    records: tuple[int, ...]
    lost: tuple[int, ...] = ()
    layers: tuple[SealedLayer, ...] = ()
    members: MemberRecords | None = None


class CheckTombstones(NamedTuple):
    """Check signature and place of each tombstone. Each is a blob, with the members behind them. Reply: Faults."""

    places: tuple[RecordAddress, ...]
    members: MemberRecords | None = None


class DescribeProtection(NamedTuple):
    """The protection of the keyholder's memory. Reply: Protection."""


ANSWERS: dict[type, tuple[type, ...]] = {  # what a request may be answered with, beside Refused
    CreateIdentity: (answers.IdentityMade,),
    LoadIdentity: (answers.IdentityMade,),
    Rewrap: (answers.Rewrapped,),
    RotateIdentity: (answers.IdentityMade,),
    CopyIdentity: (answers.Copied,),
    CreateRecovery: (answers.IdentityMade,),
    Forget: (answers.Forgotten,),
    SealKeys: (answers.Sealed,),
    HoldKeys: (answers.Held,),
    DescribeKeys: (answers.KeysDescribed,),
    WriteLevel: (answers.Sealed, answers.Unchanged),
    RenderView: (answers.Rendered,),
    RenderOwn: (answers.Rendered,),
    ExamineView: (answers.Examined,),
    CompareViews: (answers.Differing,),
    CompareVersions: (answers.Compared,),
    CompareTexts: (answers.ChangedNames,),
    SearchTexts: (answers.Found,),
    TraceVariables: (answers.Traced,),
    FindCarriers: (answers.Found,),
    ScanText: (TextScanned,),
    ReadDirectives: (answers.DirectivesRead,),
    MatchValues: (answers.Matched,),
    **dict.fromkeys((CheckRecords, CheckKeys, CheckCheckpoints, VerifyCheckpoint), (answers.Faults,)),
    **dict.fromkeys((CheckTombstones, CheckMembers), (answers.Faults,)),
    SignCheckpoint: (answers.Signed,),
    SignTombstone: (answers.Stated,),
    SignEntry: (answers.Stated,),
    OwnDevice: (answers.OwnKeys,),
    **SHARED_LOG_ANSWERS,  # noqa: F405
    **PROXY_ANSWERS,
    **SEALING_ANSWERS,
    DescribeProtection: (Protection,),
}

REQUESTS = wire.message_table(*ANSWERS)

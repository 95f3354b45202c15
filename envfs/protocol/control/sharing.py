"""A vault that machines share by an engine: requests, rows and replies (docs/protocol.md §2)."""

from envfs.tuples import NamedTuple


class DescribeSharing(NamedTuple):
    """The state of the engine and of this machine's copy. Rows: SharingRow. Reply: SharingReport."""


class ShareVault(NamedTuple):
    """Write the address of the vault's engine into the settings, and connect to it. Reply: Done.

    With `dry` only find out whether that would be refused.
    """

    engine: str
    dry: bool = False


class ResolveConflict(NamedTuple):
    """Decide the conflicts of a level: with `mine` by this machine's values, otherwise by the others'. Reply: Done."""

    level: str
    mine: bool


class RejoinEngine(NamedTuple):
    """Take the engine's records in each stream that is forked. This machine's own wait to be merged. Reply: Done."""


class AcceptLosses(NamedTuple):
    """Take a person's word that they know which records the engine lost: the warning ends. Reply: Done."""


class SharingRow(NamedTuple):
    """One version that waits, or one stream that is not as it should be.

    `kind` is `waiting`, `conflict`, `unmerged`, `went-back`, `forked`, `refused`, `damaged`, `left`, or `aside`:
    records whose places the engine's took. `subject` is a level, a stream, or a file of the outbox. `names` are
    variables that both sides changed. `text` says why, or where.
    """

    kind: str
    subject: str
    version: int
    names: tuple[str, ...] = ()
    text: str = ""


class SharingReport(NamedTuple):
    """The engine. `state` is `none`, `connected`, `connecting`, `locked`, `away` or `idle`, and `text` says why.

    `contact` is when all was compared last (UTC), empty if never. `behind` records are missing here, `waiting` versions
    are missing there, and `conflicts` need a person. `members` is how many entries the list of authors has here.
    """

    engine: str
    state: str
    text: str
    contact: str
    behind: int
    waiting: int
    conflicts: int
    members: int


SharingRequest = DescribeSharing | ShareVault | ResolveConflict | RejoinEngine | AcceptLosses
SharingReply = SharingReport

"""The messages about a search for the vault's values in files: a text goes in, places and names come out."""

from envfs.tuples import NamedTuple

CONTENT_BYTES = 64 << 20  # of one text. The keyholder works on it for less than a second


class ScanContent(NamedTuple):
    """Where in a text the values of levels stand, of `level` and below it. Rows: LeakRow, FaultRow.

    Descriptor: memory that cannot shrink (F_SEAL_SHRINK), whose first `size` bytes are the text. With `everything`,
    also values that stand in texts by chance.
    """

    size: int
    level: str = "/"
    everything: bool = False


class LeakRow(NamedTuple):
    """A value of a variable stands at that offset. `form` is how it is written. `others` have the same value."""

    offset: int
    level: str
    name: str
    form: str
    others: tuple[str, ...] = ()


class ContentScanned(NamedTuple):
    """The end of one text. Counted are levels searched and not searched, values looked for, too ordinary, too short.

    Not searched are levels that the caller sees, and whose values it may not have. With `more`, there are more places.
    """

    levels: int
    withheld: int
    values: int
    ordinary: int
    short: int
    more: bool = False
    notes: tuple[str, ...] = ()


ScanningRequest = ScanContent
ScanningRow = LeakRow
ScanningReply = ContentScanned

"""Where records stand in the vault: the address of one, and of one with the key that opens it."""

from envfs.tuples import NamedTuple


class RecordAddress(NamedTuple):
    """Where a record stands: what its header must say, to the letter.

    `vault` is the vault's UUID, `stream` a path such as `level/shop`, `seq` counts from 1, and `prev` is the digest of
    the record before it (SHA-256, base64url without padding; empty for the first).
    """

    vault: str
    stream: str
    seq: int
    prev: str


class MemberRecords(NamedTuple):
    """The records of the stream `member`, the first one first: as many blobs of the request, from `blob` on."""

    blob: int
    number: int


class SealedLayer(NamedTuple):
    """One level that has text, for a view: its head record and its project's key record are blobs of the request.

    `record_blob` and `key_blob` count the request's blobs from 0. `members` is None in a vault that has one author.
    """

    level: str
    record: RecordAddress
    record_blob: int
    key: RecordAddress
    key_blob: int
    members: MemberRecords | None = None


def index_key(level: str) -> str:
    """Return the key of a level in the index."""
    return "tree/@" if level == "/" else f"tree{level}/@"

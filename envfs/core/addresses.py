"""Where records stand in the vault: the address of one, and of one with the key that opens it."""

from envfs.tuples import NamedTuple


class Place(NamedTuple):
    """Where a record stands: what its header must say, to the letter.

    `vault` is the vault's UUID, `stream` a path such as `level/shop`, `seq` counts from 1, and `prev` is the digest of
    the record before it (SHA-256, base64url without padding; empty for the first).
    """

    vault: str
    stream: str
    seq: int
    prev: str


class Layer(NamedTuple):
    """One level that has text, for a view: its head record and its project's key record are blobs of the request.

    `record_blob` and `key_blob` count the request's blobs from 0.
    """

    level: str
    record: Place
    record_blob: int
    key: Place
    key_blob: int

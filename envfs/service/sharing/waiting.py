"""A version that waits for the engine, as a file has it: a frame (protocol.framing) with three records behind it.

Law: it says all that is needed to merge it later, so no other file has to be there for that.
"""

from enum import Enum, auto
from typing import NamedTuple

from envfs.core import limits, record
from envfs.core.addresses import RecordAddress
from envfs.errors import AuthenticationFailed, BadRequest
from envfs.protocol import framing

_BLOBS = 3 * limits.RECORD_BYTES


class Settled(Enum):
    """The fate of a version that was written."""

    STORED = auto()  # the engine has it, or there is none
    WAITING = auto()  # it is in the outbox
    TAKEN = auto()  # another machine took its number: nothing was stored


class WaitingVersion(NamedTuple):
    """A version of a level that the engine does not have yet, or in conflict with what it has.

    `number` is its place in the order of all that waits. `key` and `data` are the record as it is going to be stored.
    Without data it has to be merged first.
    `mine` is the record as it was first sealed, and `base` the one before that: empty for the first version of a level.
    In a conflict `names` are the variables that somebody else changed first. Nothing is named where only comments are.
    """

    number: int
    key: str
    data: bytes
    mine: bytes
    base: bytes
    names: tuple[str, ...] = ()

    @property
    def stream(self) -> str:
        """The stream that it is of."""
        return self.key.rpartition("/")[0]

    @property
    def level(self) -> str:
        """The level that it is of."""
        return self.stream.removeprefix("level") or "/"

    @property
    def seq(self) -> int:
        """The number of the version that it is going to be."""
        return record.key_number(self.key)


def render_waiting(waiting: WaitingVersion) -> bytes:
    """Return the bytes of its file."""
    blobs = (waiting.data, waiting.mine, waiting.base)
    return framing.encode_frame({"key": waiting.key, "names": list(waiting.names)}, blobs) + b"".join(blobs)


def parse_waiting(number: int, data: bytes) -> WaitingVersion:
    """Read a file.

    Raises:
        AuthenticationFailed: it is not one
    """
    decoder = framing.Decoder(_BLOBS)
    decoder.feed(data)
    try:
        frame = decoder.next()
    except BadRequest:
        frame = None
    match frame:
        case [{"key": str(key), "names": list(named)}, [current, mine, base]] if _is_level_key(key):
            return WaitingVersion(number, key, current, mine, base, tuple(map(str, named)))
        case _:
            raise AuthenticationFailed("a file of the outbox is damaged", "`envfs sync status` names the folder")


def address_of(data: bytes) -> RecordAddress:
    """Return where a record says that it stands, for one that is taken from nowhere else.

    Raises:
        AuthenticationFailed: it is no record of a level
    """
    header = record.parse_header(data)
    return RecordAddress(header.vault, header.stream, header.seq, header.prev)


def _is_level_key(key: str) -> bool:
    return record.is_key(key) and record.is_level_stream(key.rpartition("/")[0])

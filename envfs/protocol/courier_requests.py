"""The messages between the daemon and a courier, and between a courier and `envfs store-serve` (docs/protocol.md §5).

Each is a frame (protocol.framing) on a stream. Laws: a request has a number, and its answers have the same one, in any
order. A long answer comes in parts, of which all but the last say `more`. A hint is about a watch, by its number.
Neither side believes the other: lengths are bounded, and keys are checked by both.
"""

from collections.abc import Callable, Iterable

from envfs.core import limits
from envfs.errors import EnvFSError, StoreUnavailable, from_code
from envfs.protocol import framing, wire
from envfs.tuples import NamedTuple

VERSION = 2  # of this protocol, as `envfs store-serve` and its clients say it
TEXT_BYTES = 32 * 1024  # keys in one message, so that it fits a frame with room to spare
BLOB_BYTES = 2 * limits.RECORD_BYTES  # records in one part of an answer
WATCHES = 16  # of one connection
_CODES = {"store-unavailable", "not-approved", "bad-name", "too-large", "bad-request"}
_WORDS = 500  # of an error's text


class BeginCourier(NamedTuple):
    """The first message to a courier. It may hold a password, so it stands in no argument and in no log."""

    address: str


class CourierBegun(NamedTuple):
    """The courier serves its engine, which may be out of reach. `landlock` is the version that confines it, 0: none."""

    landlock: int


class PrepareStore(NamedTuple):
    """In its place: the engine is to be made ready for a vault, and to admit `members`, by their names."""

    address: str
    members: tuple[str, ...]


class StorePrepared(NamedTuple):
    """It is ready. `text` is what its administrator has to know."""

    text: str


class BeginServer(NamedTuple):
    """The first message to `envfs store-serve`."""

    version: int


class ServerBegun(NamedTuple):
    """The server serves its folder. With `append_only` it erases nothing."""

    version: int
    append_only: bool


class ListHeads(NamedTuple):
    """Asks for the newest number of each stream that has keys with one of `prefixes` at their beginning."""

    number: int
    prefixes: tuple[str, ...]


class HeadRow(NamedTuple):
    """A stream, and its newest number."""

    stream: str
    newest: int


class HeadsListed(NamedTuple):
    """A part of the answer."""

    number: int
    heads: tuple[HeadRow, ...]
    more: bool


class ListStoreKeys(NamedTuple):
    """Asks for the keys that start with `prefix`, in order."""

    number: int
    prefix: str


class StoreKeysListed(NamedTuple):
    """A part of the answer."""

    number: int
    keys: tuple[str, ...]
    more: bool


class GetRecords(NamedTuple):
    """Asks for the bytes under keys."""

    number: int
    keys: tuple[str, ...]


class RecordsSent(NamedTuple):
    """A part of the answer: as many blobs as keys. Keys that are not there are left out."""

    number: int
    keys: tuple[str, ...]
    more: bool


class PutRecord(NamedTuple):
    """Asks for one blob to be stored under a key that is not there yet."""

    number: int
    key: str


class RecordPut(NamedTuple):
    """It is on the engine's disk, or the key was taken."""

    number: int
    is_new: bool


class EraseRecord(NamedTuple):
    """Asks for the bytes of a key to be replaced by none."""

    number: int
    key: str


class RecordErased(NamedTuple):
    """They are."""

    number: int


class WatchStreams(NamedTuple):
    """Asks for hints about streams that have keys with one of `prefixes` at their beginning.

    It is not answered but by hints, or a failure.
    """

    number: int
    prefixes: tuple[str, ...]


class StreamHint(NamedTuple):
    """A stream may have grown, or, if it is empty, any of them. `late` says why hints come late, if they do."""

    number: int
    stream: str
    late: str = ""


class StopWatch(NamedTuple):
    """Ends the hints of a watch. It is not answered."""

    number: int


class RequestFailed(NamedTuple):
    """The request, or the watch, ended with an error."""

    number: int
    code: str
    text: str
    hint: str


Question = ListHeads | ListStoreKeys | GetRecords | PutRecord | EraseRecord


class Packet(NamedTuple):
    """A message, and the records that came with it."""

    message: object
    records: tuple[bytes, ...]


REQUESTS = wire.message_table(
    BeginCourier,
    PrepareStore,
    BeginServer,
    ListHeads,
    ListStoreKeys,
    GetRecords,
    PutRecord,
    EraseRecord,
    WatchStreams,
    StopWatch,
)
ANSWERS = wire.message_table(
    CourierBegun,
    StorePrepared,
    ServerBegun,
    HeadsListed,
    StoreKeysListed,
    RecordsSent,
    RecordPut,
    RecordErased,
    StreamHint,
    RequestFailed,
)


def encode_message(message: NamedTuple, *records: bytes) -> bytes:
    """Write a message, with the records behind it.

    Raises:
        BadRequest: it is too long for a frame
    """
    return b"".join((framing.encode_frame(wire.to_body(message), records), *records))


class MessageDecoder:
    """Cuts a stream of bytes into messages of one direction."""

    def __init__(self, kinds: dict[str, type], blob_bytes: int) -> None:
        """Take messages of `kinds` with at most `blob_bytes` of records each."""
        self._kinds = kinds
        self._frames = framing.Decoder(blob_bytes)

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._frames.feed(data)

    def next_packet(self) -> Packet | None:
        """Return the next whole message, or None when more bytes are needed.

        Raises:
            BadRequest: it is none of these messages, or over a limit
        """
        frame = self._frames.next()
        return None if frame is None else Packet(wire.from_body(frame[0], self._kinds), frame[1])


def split_texts(texts: Iterable[str], size_of: Callable[[str], int] = len) -> list[tuple[str, ...]]:
    """Divide texts into parts that fit a message each. There is one part at least."""
    parts: list[list[str]] = [[]]
    room = TEXT_BYTES
    for text in texts:
        size = size_of(text) + 8
        if size > room and parts[-1]:
            parts.append([])
            room = TEXT_BYTES
        parts[-1].append(text)
        room -= size
    return [tuple(part) for part in parts]


def failure_of(number: int, error: EnvFSError) -> RequestFailed:
    """Say an error on the wire."""
    code = error.code if error.code in _CODES else StoreUnavailable.code
    return RequestFailed(number, code, error.text[:_WORDS], error.hint[:_WORDS])


def error_of(failure: RequestFailed) -> EnvFSError:
    """Return the error that the other side said. Its text is not believed to be fit for a terminal."""
    if failure.code not in _CODES or len(failure.text) > _WORDS or len(failure.hint) > _WORDS:
        return StoreUnavailable("the engine answers nonsense")
    return from_code(failure.code, _printable(failure.text), _printable(failure.hint))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)

"""The content of a vault, record by record, for `envfs verify`."""

from collections import Counter
from contextlib import suppress

from envfs.core import addresses, extensions, names, record
from envfs.core.shared_keys import newest_numbers
from envfs.core.shared_logs import AUDIT
from envfs.errors import EnvFSError
from envfs.store import Store
from envfs.vault import index
from envfs.vault.high_water import Memory
from envfs.vault.streams import Head, Streams
from envfs.vault.tree import Tree

_MOST_MISSING = 1000  # records of a stream that are told one by one when they are gone
_TOPS = ("audit", "key", "level", "log", "member", "tombstone")  # of the keys of records


def is_removed(data: bytes) -> bool:
    """Tell whether a record says that its level was removed. AuthenticationFailed if it is none."""
    return extensions.is_removed(record.parse_header(data).ext)


class Inventory(Tree):
    """The streams, records and index of one vault."""

    def __init__(self, store: Store, streams: Streams, memory: Memory) -> None:
        """List what is in `store`, and what `memory` has of it."""
        super().__init__(store)
        self._streams = streams
        self._memory = memory

    def streams(self) -> tuple[str, ...]:
        """List every stream that has a record or was ever seen."""
        return tuple(self.stream_sizes())

    def stream_sizes(self) -> dict[str, int]:
        """Return the streams that have a record or were ever seen, in order, and how many files each has.

        A thread may do it: a vault of 100,000 records is listed in a second.
        """
        sizes = Counter(key.rpartition("/")[0] for top in _TOPS for key in self._store.list(top + "/"))
        return {stream: sizes[stream] for stream in sorted({*sizes, *self._memory.streams()})}

    def newest_numbers(self) -> dict[str, int]:
        """Return the number of the newest record that is there, of each stream that has one. A thread may do it."""
        newest: dict[str, int] = {}
        for top in _TOPS:
            for key in self._store.list(top + "/"):
                stream = key.rpartition("/")[0]
                newest[stream] = max(newest.get(stream, 0), record.key_number(key))
        return newest

    def log_streams(self) -> tuple[str, ...]:
        """List every stream of checkpoints that has one or was ever seen. Nothing but these is listed."""
        seen = filter(record.is_log_stream, self._memory.streams())
        return tuple(sorted({key.rpartition("/")[0] for key in self._store.list("log/")}.union(seen)))

    def audit_streams(self) -> dict[str, int]:
        """Return the newest number of each shared log that is here. A thread may do it."""
        return newest_numbers(self._store.list(AUDIT))

    def last(self, stream: str) -> int:
        """Return how many records a stream has in the store, whether they can be read or not."""
        return self._streams.last(stream)

    def stream_head(self, stream: str) -> Head | None:
        """Return the newest record of any stream."""
        return self._streams.head(stream)

    def keys_of(self, stream: str) -> tuple[str, ...]:
        """List the keys of a stream's records as the store has them, others' files among them."""
        return tuple(key for key in self._store.list(stream + "/@") if key.count("/") == stream.count("/") + 1)

    def highest(self, stream: str) -> int:
        """Return the highest number among a stream's records, though some before it may be gone."""
        numbers = [int(key.rpartition("@")[2].partition(".")[0]) for key in self.keys_of(stream) if record.is_key(key)]
        return max((number for number in numbers if number <= len(numbers) + _MOST_MISSING), default=0)

    def index_differences(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the keys of the index that are missing, and those of levels that have nothing at or below them."""
        missing, idle = self.listed_differences()
        return tuple(key for key in missing if not self.is_of_removed(key)), idle

    def listed_differences(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """As `index_differences`, with the keys of removed levels among those that are missing. A thread may do it."""
        streams = [stream for stream in self.streams() if self.highest(stream)]
        there = {key for key in self._store.list("tree/") if key.endswith("/@")}
        return index.index_differences(there, streams)

    def is_of_removed(self, key: str) -> bool:
        """Tell whether a key of the index would be that of a level that was removed."""
        stream = f"level{key.removeprefix('tree').removesuffix('/@')}"
        with suppress(EnvFSError):  # a record that is damaged says nothing
            head = self._streams.head(stream)
            return head is not None and is_removed(head.data)
        return False

    def relist(self, level: str) -> None:
        """Take a level out of the index if it has no text there, since a change of it was interrupted.

        And those above it, where nothing was stored at or below them after all.
        """
        key = addresses.index_key(level)
        if self.is_of_removed(key):
            self._store.remove(key)
        elif self._streams.head(record.level_stream(level)) is None:
            self._unlist(level)
        self._children.clear()

    def _unlist(self, level: str) -> None:
        for key in {f"tree{step}/@" for step in names.chain(level)}.intersection(self.index_differences()[1]):
            self._store.remove(key)

    def repair_index(self) -> tuple[str, ...]:
        """Write what is missing in the index. Returns its keys."""
        for key in (missing := self.index_differences()[0]):
            self._store.put_new(key, b"")
        self._children.clear()
        return missing

    def index_keys(self) -> tuple[str, ...]:
        """List the keys of the index of levels."""
        return tuple(key for key in self._store.list("tree/") if key.endswith("/@"))

    def key_bytes(self, key: str) -> bytes:
        """Return the bytes under any key of the store. Nothing, if it is not there."""
        return self._store.get(key) or b""

    def read(self, stream: str, seq: int) -> bytes | None:
        """Return the bytes of one record of any stream."""
        return self._streams.data(stream, seq)

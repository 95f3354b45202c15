"""The store of a vault that machines share: the mirror, and the outbox laid over it for streams of texts.

Laws: a key that the mirror has is the mirror's. A version that waits is shown only where it follows from what is below
it, so readers never see a chain that is broken. Without an engine nothing is laid over anything.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from envfs.core import record
from envfs.errors import EnvFSError
from envfs.service.sharing.outbox import Outbox
from envfs.service.sharing.waiting import WaitingVersion
from envfs.store import BulkStore, Watch
from envfs.vault.high_water import Seen


class SharedStore:
    """A Store. `is_on` tells whether there is an engine that new versions have to wait for."""

    def __init__(self, mirror: BulkStore, outbox: Outbox, is_on: Callable[[], bool]) -> None:
        """Lay `outbox` over `mirror`."""
        self.mirror = mirror
        self.outbox = outbox
        self._is_on = is_on
        self._shown: dict[str, WaitingVersion] = {}
        self._replacing = 0
        self._written: set[str] = set()
        self._arriving: dict[str, int] = {}  # by stream, the newest number that readers get of the mirror
        for stream in {waiting.stream for waiting in outbox}:
            self.arrange(stream)

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None."""
        data = None if self._arriving and self._is_arriving(key) else self.mirror.get(key)
        if data is None and key in self._shown:
            return self._shown[key].data
        return data

    def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet: a text waits in the outbox, where there is an engine."""
        stream = key.rpartition("/")[0]
        if not record.is_level_stream(stream) or not (self._is_on() or self.outbox.of(stream)):
            self._written.add(stream)
            return self.mirror.put_new(key, data)
        if self.get(key) is not None or not self._follows(stream, record.key_number(key), data):
            return False  # the one before it was a version that waited, and has another number by now
        base = self.get(record.record_key(stream, record.key_number(key) - 1)) or b""
        if self._replacing:
            waiting = self.outbox.replace(self._replacing, key, data)
        else:
            waiting = self.outbox.add(key, data, base)
        self._shown[key] = waiting
        return True

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the keys that start with `prefix`, in order."""
        if not self._shown:
            yield from self.mirror.list(prefix)
            return
        last = ""
        for key in heapq.merge(self.mirror.list(prefix), sorted(key for key in self._shown if key.startswith(prefix))):
            if key != last:
                yield key
            last = key

    @property
    def has_texts(self) -> bool:
        """Tell whether there is a record of a text."""
        return next(iter(self.list("level/")), None) is not None

    def take_written(self) -> frozenset[str]:
        """Return the streams of which records were put into the mirror itself since this was asked last."""
        written, self._written = frozenset(self._written), set()
        return written

    def watch(self, prefix: str) -> Watch:
        """Watch the mirror. This process knows of changes in the outbox."""
        return self.mirror.watch(prefix)

    def delete(self, *keys: str) -> None:
        """Forget the bytes under keys of the mirror."""
        self.mirror.delete(*keys)

    def remove(self, key: str) -> None:
        """Take a key of the mirror away."""
        self.mirror.remove(key)

    @contextmanager
    def replacing(self, number: int) -> Iterator[None]:
        """Have the version that is put in the block in the place of one that waits. There must be no await in it."""
        self._replacing = number
        try:
            yield
        finally:
            self._replacing = 0

    def begin_arrival(self, stream: str, last: int) -> None:
        """Keep from readers what is put into the mirror behind a number, until the stream is arranged again."""
        self._arriving[stream] = last

    def hold(self, stream: str, last: int, records: Mapping[str, bytes]) -> None:
        """Show readers these records behind a number of a stream, and not the mirror's, until it is arranged again."""
        self.begin_arrival(stream, last)
        for key, data in records.items():
            self._shown[key] = WaitingVersion(0, key, data, data, b"")

    def _is_arriving(self, key: str) -> bool:
        last = self._arriving.get(key.rpartition("/")[0])
        return last is not None and record.key_number(key) > last

    def is_stored(self, stream: str, seen: Seen) -> bool:
        """Tell whether a record that was read is in the mirror: one that waits may yet become another one."""
        if not record.is_level_stream(stream) or not (self._is_on() or len(self.outbox)):
            return True
        data = self.mirror.get(record.record_key(stream, seen.seq))
        return data is not None and record.digest(data) == seen.digest

    def is_waiting(self, stream: str, seq: int) -> bool:
        """Tell whether a version that is shown is one that waits."""
        return bool(self._shown) and record.record_key(stream, seq) in self._shown

    def shown(self, stream: str) -> tuple[WaitingVersion, ...]:
        """List what waits of a stream and is shown, in the order of its numbers there: a later one may come before."""
        shown = [waiting for waiting in self.outbox.of(stream) if self._shown.get(waiting.key) is waiting]
        return tuple(sorted(shown, key=lambda waiting: waiting.seq))

    def arrange(self, stream: str) -> tuple[WaitingVersion, ...]:
        """Show what waits of a stream as far as it follows from what is there. Returns what does not, to be merged."""
        self._arriving.pop(stream, None)
        for waiting in [waiting for waiting in self._shown.values() if waiting.stream == stream]:
            del self._shown[waiting.key]
        stale = []
        for waiting in sorted(self.outbox.of(stream), key=lambda waiting: waiting.seq):
            if self.get(waiting.key) is None and self._follows(stream, waiting.seq, waiting.data):
                self._shown[waiting.key] = waiting
            else:
                stale.append(waiting)
        return tuple(stale)

    def _follows(self, stream: str, seq: int, data: bytes) -> bool:
        previous = self.get(record.record_key(stream, seq - 1))
        try:
            prev = record.parse_header(data).prev
        except EnvFSError:
            return False
        if previous is None:
            return seq == 1 and not prev
        return not previous or record.digest(previous) == prev

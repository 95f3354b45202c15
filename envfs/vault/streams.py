"""Streams of records: where the head is, reading one record, appending one.

Laws: records are numbered from 1 without gaps. The head is found by doubling and halving, never by listing. A head
that is older than, or different from, what this machine has seen is refused. Checkpoints of the log alone are removed
when newer ones have replaced them, so of these there are few, and they are listed.
"""

import itertools
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from envfs.core import record, tombstones
from envfs.errors import AuthenticationFailed, RolledBack, StoreUnavailable, TooLarge
from envfs.store import Store, Watch
from envfs.vault import window
from envfs.vault.high_water import Memory, Seen

_MOST_HEADS = 4096  # each has its record
_TRUSTED_NS = 1_000_000  # one open asks for the heads of a chain several times
_NEVER = 10**12  # nobody writes so many versions. Somebody may ask for one


class Head(NamedTuple):
    """The newest record of a stream: its number, the SHA-256 over its bytes in base64url, and the bytes."""

    seq: int
    digest: str
    data: bytes


class Streams:
    """The streams of one vault in one store. Caches heads until the store says that a folder changed."""

    def __init__(self, store: Store, memory: Memory) -> None:
        """Read and append through `store`, remember in `memory`."""
        self._store = store
        self._memory = memory
        self._heads: dict[str, Head | None] = {}
        self._watches: dict[str, tuple[Watch, ...]] = {}
        self._trusted_ns: dict[str, int] = {}  # by stream, until when the last look counts
        self._changed: set[str] = set()  # since their heads were found
        self._finds: dict[str, int] = {}  # by stream, how often another head was found

    def head(self, stream: str) -> Head | None:
        """Return the newest record of a stream, or None if it has none.

        Raises:
            RolledBack: the stream is older than, or different from, what was seen before
        """
        changed = [watch.changed() for watch in self._watches.get(stream, ())]  # each is asked, or it would tell later
        if any(changed) or stream not in self._heads or stream in self._changed:
            self._changed.discard(stream)
            cached_head = self._heads.pop(stream, None)  # a head that is refused now must not be served from here later
            self._keep(stream, self._find(stream), cached_head)
        return self._heads[stream]

    def glance(self, stream: str, now_ns: int) -> tuple[Head | None, int]:
        """As `head`, but a look within the last millisecond counts. Returns also until when this one does.

        This process's own changes are seen at once. The clock is `time.monotonic_ns`.
        """
        until_ns = self._trusted_ns.get(stream, 0)
        if now_ns >= until_ns or stream not in self._heads:
            self.head(stream)
            until_ns = self._trusted_ns[stream] = now_ns + _TRUSTED_NS
        return self._heads[stream], until_ns

    def finds(self, stream: str) -> int:
        """Return how often another head of a stream was found: the same number stands for the same head."""
        return self._finds.get(stream, 0)

    def stay_until(self, finds: Iterable[tuple[str, int]], now_ns: int) -> int:
        """Look at streams again, each with its number of `finds` when its head was told.

        Returns until when all heads are those, or 0: one may be another. Somebody else may have asked for it meanwhile.
        """
        until_ns = now_ns + _TRUSTED_NS
        for stream, number in finds:
            if stream not in self._heads or self._finds.get(stream, 0) != number:
                return 0
            trusted_ns = self._trusted_ns.get(stream, 0)
            if now_ns < trusted_ns:
                until_ns = min(until_ns, trusted_ns)
                continue
            for watch in self._watches.get(stream, ()):
                if watch.changed():  # which it tells once
                    self._changed.add(stream)
                    return 0
            self._trusted_ns[stream] = now_ns + _TRUSTED_NS
        return until_ns

    def confirm(self, stream: str, opened: Seen) -> None:
        """Remember a record that was opened, if it is newer than what was seen. Found alone is not enough.

        Otherwise a forged record would make the true ones suspect when it is taken away.
        """
        seen = self._memory.get(stream)
        if seen is None or opened.seq > seen.seq or (opened.seq == seen.seq and not seen.digest):
            self._memory.confirm(stream, opened)

    def reload(self, stream: str) -> None:
        """Look again at a stream of which more is remembered now."""
        self._heads.pop(stream, None)

    def last(self, stream: str) -> int:
        """Return how many records a stream has in the store, whatever was seen of it before."""
        if record.is_log_stream(stream):
            seen = self._memory.get(stream)
            return window.newest_number(self._numbers(stream), seen.seq if seen else 0)
        try:
            return self._last_from(stream, 0)
        except (StoreUnavailable, TooLarge):  # a record cannot be read, so they are counted by their names
            keys = set(self._store.list(stream + "/@"))
            return next(number for number in itertools.count() if record.record_key(stream, number + 1) not in keys)

    def _keep(self, stream: str, head: Head | None, before: Head | None) -> None:
        # a new record shows in the folder. A byte changed in the head itself only in that file
        if stream not in self._watches or (head and head.seq) != (before and before.seq):
            watched = (stream, record.record_key(stream, head.seq)) if head else (stream,)
            self._watches[stream] = tuple(self._store.watch(path) for path in watched)
        self._heads[stream] = head
        if head is None or before is None or head.digest != before.digest or head.seq != before.seq:
            self._finds[stream] = self._finds.get(stream, 0) + 1
        if len(self._heads) > _MOST_HEADS:  # of those that are asked for again, another look costs a millisecond
            oldest = next(iter(self._heads))
            del self._heads[oldest]
            self._watches.pop(oldest, None)
            self._trusted_ns.pop(oldest, None)

    def data(self, stream: str, seq: int) -> bytes | None:
        """Return the bytes of one record, or None."""
        return self._store.get(record.record_key(stream, seq)) if 0 < seq < _NEVER else None

    def append(self, stream: str, seq: int, data: bytes) -> bool:
        """Store record `seq`. False if somebody else took that number."""
        if not self._store.put_new(record.record_key(stream, seq), data):
            self._heads.pop(stream, None)
            return False
        head = Head(seq, record.digest(data), data)
        self._keep(stream, head, self._heads.get(stream))
        self._memory.confirm(stream, Seen(head.seq, head.digest))
        return True

    def digest_before(self, stream: str, seq: int) -> str:
        """Return what record `seq` of a stream must name as the one before it."""
        previous = self.data(stream, seq - 1)
        if previous is None:
            return record.FORGOTTEN if record.is_log_stream(stream) and seq > 1 else ""
        if previous:
            return record.digest(previous)
        if record.is_level_stream(stream):
            return self.forgotten(stream).get(seq - 1) or record.digest(previous)
        seen = self._memory.get(stream)
        return seen.digest if seen is not None and seen.seq == seq - 1 else record.FORGOTTEN

    def forgotten(self, stream: str) -> dict[int, str]:
        """Return the digests of the records that a stream's tombstones name. The keyholder checks their signatures.

        The first tombstone that names a record counts, and one that is damaged names none.
        """
        numbers = itertools.count(1)
        texts = iter(lambda: self.data(record.tombstone_stream(stream), next(numbers)), None)
        named: dict[int, str] = {}
        for text in texts:
            with suppress(AuthenticationFailed):
                for point in tombstones.parse_tombstone(text)[1]:
                    named.setdefault(*point)
        return named

    def kept_before(self, stream: str, seq: int) -> list[int]:
        """List the records before number `seq` that still have their bytes, or have them back from a copy."""
        return [number for number in range(1, seq) if self.data(stream, number)]

    def forget(self, stream: str, *numbers: int) -> None:
        """Forget the bytes of records, whose numbers stay taken."""
        self._store.delete(*(record.record_key(stream, seq) for seq in numbers if self.data(stream, seq)))

    def remove_up_to(self, stream: str, seq: int) -> None:
        """Remove the records of a stream of checkpoints up to number `seq`, which those after it have replaced."""
        if seq < 1:
            return
        self._store.remove(record.record_key(stream, seq))
        if self._store.get(record.record_key(stream, seq - 1)) is None:
            return
        for number in self._numbers(stream):  # an older release left them, or somebody who was killed
            if number < seq:
                self._store.remove(record.record_key(stream, number))

    def _numbers(self, stream: str) -> list[int]:
        return [number for key in self._store.list(stream + "/@") if (number := record.key_number(key))]

    def take(self, stream: str) -> int:
        """As `accept`, for a stream whose newest record may be damaged. Returns its number."""
        seq = self.last(stream)
        self._memory.put(stream, Seen(seq, record.digest(self.data(stream, seq) or b"") if seq else ""))
        self._heads.pop(stream, None)
        return seq

    def present(self, stream: str) -> Head | None:
        """Return the newest record of a stream, whatever was seen of it before."""
        seq = self._last_from(stream, 0)
        return self._load(stream, seq) if seq else None

    def accept(self, stream: str) -> Head | None:
        """Take the stream as it is now for the truth, however it got there."""
        head = self.present(stream)
        self._memory.put(stream, Seen(head.seq if head else 0, head.digest if head else ""))
        self._keep(stream, head, self._heads.get(stream))
        return head

    def _find(self, stream: str) -> Head | None:
        seen = self._memory.get(stream)
        start = seen.seq if seen is not None else 0
        last = self._last_from(stream, start) if start or not record.is_log_stream(stream) else self.last(stream)
        seen_data = self._check_seen(stream, seen, last) if seen is not None and seen.seq > 0 else b""
        if last == 0:
            return None
        if last == start:
            return _head(stream, last, seen_data)
        head = self._load(stream, last)
        self._check_link(stream, head)
        return head

    def _check_seen(self, stream: str, seen: Seen, last: int) -> bytes:
        # returns the record that was seen, which is here and the same, unless it was forgotten
        data = self.data(stream, seen.seq)
        # what follows is bound to it by its own header
        forgotten = data is not None and last > seen.seq and self._is_forgotten(stream, seen, data)
        is_same = data is not None and (not seen.digest or record.digest(data) == seen.digest)
        if data is None or not (forgotten or is_same):
            raise _rolled_back(stream, seen, missing=data is None)
        return data

    def _last_from(self, stream: str, start: int) -> int:
        step = 1
        while self.data(stream, start + step) is not None:
            start += step
            step *= 2
        while step > 1:
            step //= 2
            if self.data(stream, start + step) is not None:
                start += step
        return start

    def _is_forgotten(self, stream: str, seen: Seen, data: bytes) -> bool:
        if data:
            return False
        # of a text, somebody has to say so who names the one that was seen
        return not record.is_level_stream(stream) or self.forgotten(stream).get(seen.seq) == seen.digest

    def _load(self, stream: str, seq: int) -> Head:
        return _head(stream, seq, self.data(stream, seq))

    def _check_link(self, stream: str, head: Head) -> None:
        if not record.is_level_stream(stream):
            return  # the keyholder checks the link: of a key file it stands inside the age file
        previous = self.data(stream, head.seq - 1)
        if head.seq > 1 and previous is None:
            raise AuthenticationFailed(f"record {head.seq - 1} of {stream} is gone")
        header = record.parse_record(head.data).header
        if header.prev != self.digest_before(stream, head.seq):
            raise AuthenticationFailed(f"record {head.seq} of {stream} does not follow from the one before")


def _head(stream: str, seq: int, data: bytes | None) -> Head:
    if not data:
        raise AuthenticationFailed(f"record {seq} of {stream} is {'gone' if data is None else 'empty'}")
    return Head(seq, record.digest(data), data)


def _rolled_back(stream: str, seen: Seen, *, missing: bool) -> RolledBack:
    relation = "is older than" if missing else "is not"
    level = record.project_of_stream(stream) if record.is_key_stream(stream) else stream.removeprefix("level") or "/"
    return RolledBack(
        f"{stream} {relation} what this machine has seen (version {seen.seq})",
        f"if you restored a backup, accept it with `envfs accept {level}`; otherwise the vault was changed",
    )

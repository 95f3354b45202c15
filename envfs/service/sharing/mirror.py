"""The mirror: the store of this machine as a copy of what an engine has, and the newest numbers in it.

Law: the index of levels has a level before its first record is there, as for one that is written here.
"""

from collections.abc import Iterable
from typing import NamedTuple

import trio

from envfs.core import names, record
from envfs.errors import StoreUnavailable
from envfs.service.sharing.checking import CheckedRecords
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.planning import is_shared
from envfs.service.sharing.waiting import WaitingVersion
from envfs.vault.inventory import is_removed
from envfs.vault.vault import Vault

_TOPS = ("member", "key", "tombstone", "level")


class Taken(NamedTuple):
    """A level that has other text now, and its newest record before that: number and digest."""

    level: str
    seq: int
    digest: str


class Mirror:
    """The mirror below one vault."""

    def __init__(self, vault: Vault, store: SharedStore) -> None:
        """Keep what `vault` is read from."""
        self._vault = vault
        self._store = store
        self._numbers: dict[str, int] | None = None

    async def numbers(self) -> dict[str, int]:
        """Return the newest number of each shared stream. Versions that wait do not count. Listed once, in a thread."""
        if self._numbers is None:
            self._numbers = await trio.to_thread.run_sync(self._list)
        for stream in self._store.take_written():
            self.count(stream)
        return dict(self._numbers)

    def count(self, stream: str) -> None:
        """Look how far a stream is that got records here."""
        if self._numbers is None or not is_shared(stream):
            return
        last = self._numbers.get(stream, 0)
        while self._store.mirror.get(record.record_key(stream, last + 1)) is not None:
            last += 1
        if last:
            self._numbers[stream] = last

    def read(self, key: str) -> bytes | None:
        """Return the bytes under a key. Nothing that waits is among them."""
        return self._store.mirror.get(key)

    async def take(self, rows: Iterable[CheckedRecords]) -> list[Taken]:
        """Put records that were checked into their places. Returns the levels of which readers get other text now."""
        rows = [row for row in map(self._missing, rows) if row.records]
        before = [self._before(row.stream) for row in rows if record.is_level_stream(row.stream)]
        for row in rows:
            self._store.begin_arrival(row.stream, row.records[0].place.seq - 1)
            self._list_level(row.stream)
        try:
            await trio.to_thread.run_sync(self._put, rows)
        finally:
            for row in rows:
                self._settle(row)
        return before

    def _missing(self, row: CheckedRecords) -> CheckedRecords:
        # some may have come another way since they were asked for
        new = [one for one in row.records if self.read(record.record_key(row.stream, one.place.seq)) is None]
        return row._replace(records=tuple(new))

    def confirm(self, waiting: WaitingVersion) -> None:
        """Move a version that the engine has out of the outbox into its place.

        Raises:
            StoreUnavailable: it cannot be written, or another record stands there
        """
        if not self._store.mirror.put_new(waiting.key, waiting.data) and self.read(waiting.key) != waiting.data:
            raise StoreUnavailable(f"{waiting.key} in the vault is not the record that the engine has")
        self._store.outbox.remove(waiting.number)
        self._store.arrange(waiting.stream)
        self._vault.confirm_record(waiting.stream, waiting.seq, waiting.data)
        self.count(waiting.stream)

    def withdraw(self, waiting: WaitingVersion) -> None:
        """Take out a version that nobody was told is stored."""
        self._store.outbox.remove(waiting.number)
        self._store.arrange(waiting.stream)
        self._vault.look_again(waiting.stream)

    def _before(self, stream: str) -> Taken:
        level = stream.removeprefix("level") or names.ROOT
        head = self._vault.head(level)
        return Taken(level, head.seq if head else 0, head.digest if head else "")

    def _list_level(self, stream: str) -> None:
        if record.is_level_stream(stream):
            self._vault.add_level(stream.removeprefix("level") or names.ROOT)
        elif record.is_key_stream(stream) and stream != "key":
            self._vault.add_level(record.project_of_stream(stream))

    def _put(self, rows: list[CheckedRecords]) -> None:
        for row in rows:
            for one in row.records:
                self._store.mirror.put_new(record.record_key(row.stream, one.place.seq), one.data)

    def _settle(self, row: CheckedRecords) -> None:
        self.count(row.stream)
        for waiting in self._store.outbox.of(row.stream):
            if self.read(waiting.key) == waiting.data:
                self._store.outbox.remove(waiting.number)
        self._store.arrange(row.stream)
        newest = row.records[-1]
        if self.read(record.record_key(row.stream, newest.place.seq)) == newest.data and newest.data:
            self._vault.confirm_record(row.stream, newest.place.seq, newest.data)
            if record.is_level_stream(row.stream) and is_removed(newest.data):
                self._vault.remove_level(row.stream.removeprefix("level") or names.ROOT)
        self._vault.look_again(row.stream)

    def _list(self) -> dict[str, int]:
        newest: dict[str, int] = {}
        for top in _TOPS:
            for key in self._store.mirror.list(top + "/"):
                stream, seq = key.rpartition("/")[0], record.key_number(key)
                if seq == newest.get(stream, 0) + 1:  # a number that is far off, as from a copy, does not count
                    newest[stream] = seq
        return newest

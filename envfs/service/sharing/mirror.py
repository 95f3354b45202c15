"""The mirror: the store of this machine as a copy of what an engine has, and the newest numbers in it.

Law: the index of levels has a level before its first record is there, as for one that is written here.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import trio

from envfs.core import names, record
from envfs.errors import EnvFSError, StoreUnavailable
from envfs.service.sharing.checking import CheckedRecords
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.planning import is_shared
from envfs.service.sharing.vault_user import Taken
from envfs.service.sharing.waiting import WaitingVersion
from envfs.vault.inventory import is_removed
from envfs.vault.vault import Vault

_TOPS = ("member", "key", "tombstone", "level", "audit")


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

    def set_number(self, stream: str, seq: int) -> None:
        """Begin to count a stream at a number: other records took the places of those behind that."""
        if self._numbers is not None:
            self._numbers[stream] = seq
            self.count(stream)

    def read(self, key: str) -> bytes | None:
        """Return the bytes under a key. Nothing that waits is among them."""
        return self._store.mirror.get(key)

    async def take(self, rows: Iterable[CheckedRecords]) -> list[Taken]:
        """Put records that were checked into their places. Returns the levels of which readers get other text now."""
        rows = [row for row in map(self._missing, rows) if row.records]
        before = self._before_all(rows)
        for row in rows:
            self._store.begin_arrival(row.stream, row.records[0].place.seq - 1)
            self._list_level(row)
        try:
            await trio.to_thread.run_sync(self._put, rows)
        finally:
            for row in rows:
                self._settle(row)
        came = {row.stream for row in rows}
        return [one for one in before if record.level_stream(one.level) in came or self._has_changed(one)]

    def _missing(self, row: CheckedRecords) -> CheckedRecords:
        # some may have come another way since they were asked for
        new = [one for one in row.records if self.read(record.record_key(row.stream, one.place.seq)) is None]
        return row._replace(records=tuple(new))

    def confirm(self, waiting: WaitingVersion) -> None:
        """Move a version that the engine has out of the outbox into its place.

        Raises:
            StoreUnavailable: it cannot be written, or another record stands there
        """
        self._store.mirror.put_new(waiting.key, waiting.data)
        self._confirm((waiting,))

    async def confirm_run(self, run: Sequence[WaitingVersion]) -> None:
        """As `confirm`, for versions of one stream that follow each other, with one sync of the disk for all.

        Readers see nothing of it: what is in the mirror already is what they are shown of the outbox.
        """
        if run:
            records = {waiting.key: waiting.data for waiting in run}
            await trio.to_thread.run_sync(self._store.mirror.put_all, records)
            self._confirm(run)

    def _confirm(self, run: Sequence[WaitingVersion]) -> None:
        for waiting in run:
            if self.read(waiting.key) != waiting.data:
                raise StoreUnavailable(f"{waiting.key} in the vault is not the record that the engine has")
        newest = run[-1]
        self._store.outbox.remove(*(waiting.number for waiting in run))
        self._store.arrange(newest.stream)
        self._vault.confirm_record(newest.stream, newest.seq, newest.data)
        self.count(newest.stream)

    def withdraw(self, waiting: WaitingVersion) -> None:
        """Take out a version that nobody was told is stored."""
        self._store.outbox.remove(waiting.number)
        self._store.arrange(waiting.stream)
        self._vault.look_again(waiting.stream)

    def _before_all(self, rows: list[CheckedRecords]) -> list[Taken]:
        # an entry of the list of members may change which version counts of any level
        levels = {row.stream for row in rows if record.is_level_stream(row.stream)}
        if any(row.stream == record.MEMBERS for row in rows):
            levels |= {record.level_stream(level) for level in self._vault.levels()}
        before = list[Taken]()
        for stream in sorted(levels):
            with suppress(EnvFSError):  # one that cannot be read now is nobody's view
                before.append(self.before(stream))
        return before

    def _has_changed(self, one: Taken) -> bool:
        try:
            return self.before(record.level_stream(one.level)) != one
        except EnvFSError:
            return True

    def before(self, stream: str) -> Taken:
        """Return what readers have of a level's stream now."""
        level = stream.removeprefix("level") or names.ROOT
        head = self._vault.head(level)
        return Taken(level, head.seq if head else 0, head.digest if head else "")

    def _list_level(self, row: CheckedRecords) -> None:
        # as for one that is written here: with its first record, and with the first one after it was removed
        stream, is_first = row.stream, row.records[0].place.seq == 1
        if record.is_level_stream(stream):
            level = stream.removeprefix("level") or names.ROOT
            if is_first or self._vault.is_removed(level):
                self._vault.add_level(level)
        elif record.is_key_stream(stream) and stream != "key" and is_first:
            self._vault.add_level(record.project_of_stream(stream))

    def list_level(self, stream: str) -> None:
        """Have the index as the newest record of a stream wants it."""
        if record.is_level_stream(stream):
            level = stream.removeprefix("level") or names.ROOT
            (self._vault.remove_level if self._vault.is_removed(level) else self._vault.add_level)(level)
        elif record.is_key_stream(stream) and stream != "key":
            self._vault.add_level(record.project_of_stream(stream))

    def _put(self, rows: list[CheckedRecords]) -> None:
        records = {record.record_key(row.stream, one.place.seq): one.data for row in rows for one in row.records}
        self._store.mirror.put_all(records)

    def _settle(self, row: CheckedRecords) -> None:
        self.count(row.stream)
        waiting = self._store.outbox.of(row.stream)
        self._store.outbox.remove(*(one.number for one in waiting if self.read(one.key) == one.data))
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

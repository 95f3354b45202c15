"""Rejoining an engine: this machine takes the engine's records of a forked stream, and what it had waits to be merged.

Laws: the engine's records are checked as any that come from it. Both lines are set aside first. Readers see this
machine's line until the other one is whole. Every text of this machine's line goes into the outbox, behind it what
waited already, and is applied again to the engine's newest. The next start finishes what a killed process began.
"""

from collections.abc import Mapping
from typing import NamedTuple

import trio

from envfs.core import record
from envfs.courier.engine import EVERYTHING, Engine
from envfs.errors import Conflict, Locked
from envfs.service.sharing.aside import LineAside, LinesAside
from envfs.service.sharing.catching_up import CatchingUp
from envfs.service.sharing.checking import Arrived, Checker
from envfs.service.sharing.forks import AT_ONCE, bounded
from envfs.service.sharing.mirror import Mirror
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.planning import RecordRange, batches, by_kind, is_held_up, level_of_stream
from envfs.service.sharing.vault_user import Accept, Taken
from envfs.service.sharing.waiting import WaitingVersion
from envfs.vault.high_water import Seen
from envfs.vault.vault import Vault


class Rejoined(NamedTuple):
    """A stream that follows the engine again: its line aside, where that is, and what a reader had before."""

    line: LineAside
    place: str
    before: Taken | None


class Rejoining:
    """The rejoining of one vault."""

    def __init__(
        self, vault: Vault, store: SharedStore, mirror: Mirror, checker: Checker, passes: CatchingUp, aside: LinesAside
    ) -> None:
        """Change `mirror`, and the outbox of `store`."""
        self._vault = vault
        self._store = store
        self._mirror = mirror
        self._checker = checker
        self._passes = passes
        self._aside = aside

    async def rejoin(self, engine: Engine, forked: frozenset[str], accept: Accept) -> list[Rejoined]:
        """Follow the engine in these streams, and where it lacks what may be checked by these.

        Raises:
            Conflict: the engine's records are refused
            Locked: they cannot be checked now
            StoreUnavailable: the engine cannot be reached, or something cannot be written
        """
        async with self._passes.taking:
            self.finish_all(accept)
            mine = self._passes.partition.of(await self._mirror.numbers())
            heads = await self._passes.heads(engine, (EVERYTHING,))
            longer = {one for one in mine if is_held_up(one, forked) and mine[one] > heads.get(one, 0)}
            streams = sorted(forked | longer, key=by_kind)
            return [
                await self._rejoin(engine, stream, mine[stream], heads.get(stream, 0), accept) for stream in streams
            ]

    def finish_all(self, accept: Accept) -> None:
        """Finish what a process began that was killed.

        Raises:
            StoreUnavailable: something cannot be read or written
        """
        for line in self._aside:
            if not line.done:
                self._replace(line)
                self._settle(line, accept)

    async def _rejoin(self, engine: Engine, stream: str, last: int, newest: int, accept: Accept) -> Rejoined:
        common = await self._passes.search.last_common(engine, stream, min(last, newest))
        if common == newest and self._mirror.read(record.record_key(stream, common)) == b"":
            common -= 1  # it was forgotten here, since a later one had all of it, and is the newest again
        theirs = await self._checked(engine, stream, common, newest)
        own = {key: self._mirror.read(key) or b"" for key in RecordRange(stream, common + 1, last).record_keys()}
        waiting = sorted(self._store.outbox.of(stream), key=lambda one: one.seq)
        first = self._store.outbox.reserve(len(own) + len(waiting))
        numbers = tuple(one.number for one in waiting)
        line = LineAside(self._aside.next_number(), stream, common, last, newest, first, numbers)
        await trio.to_thread.run_sync(self._aside.begin, line, own, theirs)
        before = self._mirror.before(stream) if record.is_level_stream(stream) else None
        self._store.hold(stream, common, own)
        await trio.to_thread.run_sync(self._replace, line)
        self._settle(line, accept)
        return Rejoined(line, str(self._aside.place(line)), before)

    async def _checked(self, engine: Engine, stream: str, common: int, newest: int) -> Mapping[str, bytes]:
        # all of the engine's line, or nothing
        if newest == common:
            return {}
        span, came = RecordRange(stream, common + 1, newest), dict[str, bytes]()
        for batch in batches((span,), AT_ONCE):
            with bounded():
                came |= await engine.get([key for part in batch for key in part.record_keys()])
        [row] = await self._checker.check((span,), came, {stream: newest})
        if row.locked:
            raise Locked(f"the records of {stream} cannot be checked", "`envfs unlock` opens the vault")
        if row.fault or len(row.records) < newest - common:
            why = row.fault or "it does not give all of them"
            raise Conflict(f"the engine's records of {stream} are not taken: {why}", "`envfs sync status` says more")
        return {_key_of(one): one.data for one in row.records}

    def _replace(self, line: LineAside) -> None:
        # a thread may do it, and it may be done twice. Nothing goes but this machine's line
        mirror, stream = self._store.mirror, line.stream
        theirs = {
            record.record_key(stream, seq): self._aside.theirs(line, seq)
            for seq in range(line.common + 1, line.newest + 1)
        }
        for seq in range(line.last, line.common, -1):
            key = record.record_key(stream, seq)
            if mirror.get(key) == self._aside.own(line, seq):
                mirror.remove(key)
        mirror.put_all(theirs)

    def _settle(self, line: LineAside, accept: Accept) -> None:
        # no await in here: nobody sees the one without the other
        stream, outbox = line.stream, self._store.outbox
        for waiting in self._again(line):
            outbox.restore(waiting)
        outbox.remove(*line.waiting)
        self._store.arrange(stream)
        newest = self._mirror.read(record.record_key(stream, line.newest)) if line.newest else None
        self._mirror.set_number(stream, line.newest)
        self._vault.memory.put(stream, Seen(line.newest, record.digest(newest) if newest else ""))
        self._vault.look_again(stream)
        self._mirror.list_level(stream)
        level = level_of_stream(stream)
        accept(level, self._vault.last(record.level_stream(level)))
        self._aside.finish(line)

    def _again(self, line: LineAside) -> list[WaitingVersion]:
        # the texts of this machine's line, and behind them what waited, by their numbers in the outbox. None is sent as
        # it was: it may be sealed with a key, or name an entry of the members, that the engine does not have
        again, numbers = list[WaitingVersion](), range(line.common + 1, line.last + 1)
        for number, seq in enumerate(numbers, line.first):
            data, key = self._aside.own(line, seq), record.record_key(line.stream, seq)
            if data and record.is_level_stream(line.stream) and not self._checker.passes_over(data):
                again.append(WaitingVersion(number, key, b"", data, self._base(line, seq)))
        waited = {one.number: one for one in self._store.outbox.of(line.stream)}
        for number, old in enumerate(line.waiting, line.first + len(numbers)):
            if old in waited:
                again.append(waited[old]._replace(number=number, data=b""))
        return again

    def _base(self, line: LineAside, seq: int) -> bytes:
        if seq > line.common + 1:
            return self._aside.own(line, seq - 1)
        return self._mirror.read(record.record_key(line.stream, line.common)) or b"" if line.common else b""


def _key_of(one: Arrived) -> str:
    return record.record_key(one.place.stream, one.place.seq)

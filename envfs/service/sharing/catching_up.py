"""One pass between a mirror and an engine that answers: what is missing is fetched and checked, what waits is pushed.

Laws: nothing is deleted on either side. An engine that has less is given back what the mirror has, and is told of. A
stream that is another one there than here is left as it is on both sides, and is told of.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

import trio

from envfs.core import record
from envfs.core.membership.members import NO_RIGHT
from envfs.courier.engine import EVERYTHING, Engine
from envfs.service.sharing.checking import CheckedRecords, Checker
from envfs.service.sharing.facts import RefusedRecord, SharingFacts
from envfs.service.sharing.forks import AT_ONCE, ForkSearch, bounded
from envfs.service.sharing.lost_records import Loss
from envfs.service.sharing.mirror import Mirror
from envfs.service.sharing.overlay import SharedStore
from envfs.service.sharing.partition import MEMBERS_ALONE, Partition
from envfs.service.sharing.planning import (
    CatchUp,
    RecordRange,
    batches,
    is_held_up,
    is_shared,
    key_stream_of,
    plan_catch_up,
)
from envfs.service.sharing.vault_user import Taken
from envfs.service.sharing.waiting import WaitingVersion

T = TypeVar("T")
_AHEAD = 15  # records behind a taken number that are asked for with that one
_NEXT = 8  # records of a stream that is hinted at, which are asked for at once. A part of AT_ONCE
_NOTHING: Mapping[str, bytes] = MappingProxyType({})


class CatchingUp:
    """The passes of one vault."""

    def __init__(self, store: SharedStore, mirror: Mirror, checker: Checker, facts: SharingFacts) -> None:
        """Bring `mirror` and an engine together."""
        self._store = store
        self._mirror = mirror
        self._checker = checker
        self._facts = facts
        self.search = ForkSearch(mirror)
        self.is_new = True  # with this connection nothing was compared yet
        self.partition = MEMBERS_ALONE
        self.taking = trio.Lock()  # what is checked follows from what is in the mirror, which must not move meanwhile
        self.in_flight: set[int] = set()  # what writers wait for themselves

    async def run(self, engine: Engine, address: str, hints: Collection[str]) -> list[Taken]:
        """Do one pass over the streams that are hinted at, or all. Returns the levels that have other text now.

        Raises:
            StoreUnavailable: the engine cannot be reached
        """
        self._facts.begun += 1
        await self.divide()  # a key of this machine may be here only now
        is_whole = EVERYTHING in hints
        mine = self.partition.of(await self._mirror.numbers())  # before the engine is asked, which has at least that
        ahead = {} if is_whole else await self._next_records(engine, hints, mine)
        heads = await self.heads(engine, _without_more(hints, ahead))
        heads = {stream: mine.get(stream, 0) + len(records) for stream, records in ahead.items() if records} | heads
        if is_whole:
            self._facts.refused = {stream: why for stream, why in self._facts.refused.items() if stream in heads}
        if not is_whole:
            mine = {stream: seq for stream, seq in mine.items() if stream in hints}
        await self._compare(
            engine, self.search.choose(mine, heads, self._facts.forked, is_whole=is_whole, is_new=self.is_new)
        )
        self.is_new = self.is_new and not is_whole
        forked = self._facts.forked
        held_up = {stream for stream in {*mine, *heads} if is_held_up(stream, forked)}
        plan = plan_catch_up(_without(mine, held_up), _without(heads, held_up))
        for stream in heads.keys() - {span.stream for span in plan.fetch}:
            self._facts.refused.pop(stream, None)
        await self._give_back(engine, plan, address, mine, heads)
        taken = await self._fetch(engine, plan, {key: data for one in ahead.values() for key, data in one.items()})
        refused = self._facts.refused.keys() & heads.keys()  # it may be that what came follows on another record
        await self._compare(engine, {stream: mine[stream] for stream in refused if stream in mine})
        await self.push(engine)  # behind what comes before it, so that no number is left out
        if is_whole:
            self._facts.had_contact(address)
        return taken

    async def divide(self) -> Partition:
        """Find out which part of the vault is this machine's."""
        before = self.partition
        self.partition, self._facts.device = await self._checker.partition(self._facts.device)
        self.is_new |= self.partition != before
        return self.partition

    async def push(self, engine: Engine) -> None:
        """Give the engine what waits, in order. A version whose number it has given away stays for the merge."""
        for stream in dict.fromkeys(waiting.stream for waiting in self._store.outbox):
            await self._push_run(engine, stream)

    async def push_stream(self, engine: Engine, stream: str) -> list[Taken]:
        """Give the engine what waits of one stream and follows, in order. Returns what came in its place."""
        lost = await self._push_run(engine, stream)
        if lost is None:
            return []
        with bounded():
            return await self.take_stream(engine, *lost)

    async def _push_run(self, engine: Engine, stream: str) -> tuple[WaitingVersion, Mapping[str, bytes]] | None:
        # One is sent once the one before it was taken: an engine must not have it behind another machine's. Nothing
        # else is done in between, so the rest is likely to be taken too. Returns what was lost, and what came for it
        run: list[WaitingVersion] = []
        try:
            for waiting in self._store.shown(stream) if not is_held_up(stream, self._facts.forked) else ():
                if waiting.number in self.in_flight:
                    break
                with bounded():
                    came = await self.in_its_place(engine, waiting)
                if came is None:
                    break
                if came:
                    return waiting, came
                run.append(waiting)
        finally:
            with trio.CancelScope(shield=True):
                await self._mirror.confirm_run(run)
        return None

    async def in_its_place(self, engine: Engine, waiting: WaitingVersion) -> Mapping[str, bytes] | None:
        """Offer a version to the engine. Returns the records that it has in that place, and behind. Empty: it took it.

        It may have it already, from a try whose answer was lost. None: the number is taken, and nobody says by what.
        """
        if await engine.put_new(waiting.key, waiting.data):
            return {}
        keys = RecordRange(waiting.stream, waiting.seq, waiting.seq + _AHEAD).record_keys()
        came = await engine.get(keys)
        if waiting.key not in came:
            self._facts.refused[waiting.stream] = _not_given(waiting.seq, waiting.key)
            return None
        return {} if came[waiting.key] == waiting.data else came

    async def take_stream(self, engine: Engine, waiting: WaitingVersion, came: Mapping[str, bytes]) -> list[Taken]:
        """Take records that are there in the place of a version, and behind it."""
        span = RecordRange(waiting.stream, waiting.seq, waiting.seq + len(came) - 1)
        async with self.taking:
            rows = await self._checker.check((span,), came, {waiting.stream: span.last})
            if not any(row.fault or row.locked for row in rows):
                return await self._mirror.take(rows)
        return await self.fetch_stream(engine, waiting.stream)  # a key or an author may not have come yet

    async def fetch_stream(self, engine: Engine, stream: str) -> list[Taken]:
        """Fetch what there is of one stream, and of its project's keys."""
        hints = {stream, record.MEMBERS, *filter(None, (key_stream_of(stream),))}
        mine = {name: seq for name, seq in (await self._mirror.numbers()).items() if name in hints}
        return await self._fetch(engine, plan_catch_up(mine, await self.heads(engine, hints)))

    async def never_counts(self, engine: Engine, stream: str, seq: int) -> bytes:
        """Return the record of a place, if nobody will ever take it: its author had no right, or it is no key file.

        Where the engine has other entries of the members than this machine nothing is known: it may be behind.
        """
        span = RecordRange(stream, seq, seq)
        entries = (await self._mirror.numbers()).get(record.MEMBERS, 0)
        is_current = (await self.heads(engine, (record.MEMBERS,))).get(record.MEMBERS, 0) == entries
        came = await engine.get(span.record_keys())
        async with self.taking:
            [row] = await self._checker.check((span,), came, {stream: seq})
        is_rubbish = is_current and record.is_key_stream(stream) and bool(row.fault)
        return next(iter(came.values()), b"") if row.fault.startswith(NO_RIGHT) or is_rubbish else b""

    def stale(self) -> list[WaitingVersion]:
        """List what waits and has to be merged first, in order."""
        stale = [waiting for waiting in self._store.outbox if not self._store.is_waiting(waiting.stream, waiting.seq)]
        return [waiting for waiting in stale if waiting.number not in self.in_flight]

    async def _fetch(self, engine: Engine, plan: CatchUp, here: Mapping[str, bytes] = _NOTHING) -> list[Taken]:
        taken: list[Taken] = []
        self._facts.behind = plan.behind
        self._facts.waits_for_unlock = False
        refused: dict[str, RefusedRecord] = {}
        lasts, ended = {span.stream: span.last for span in plan.fetch}, set[str]()
        for batch in batches(plan.fetch, AT_ONCE, ended):
            ranges = tuple(span for span in batch if span.stream not in ended)
            keys = [key for span in ranges for key in span.record_keys()]
            missing = [key for key in keys if key not in here]
            with bounded():
                came = {**here, **(await engine.get(missing) if missing else {})}
            async with self.taking:
                rows = await self._checker.check(ranges, came, lasts)
                taken += await self._mirror.take(rows)
            if batch[0].stream == record.MEMBERS:  # it comes first, and says what else is for this machine
                partition = await self.divide()
                ended |= {stream for stream in lasts if not partition.has(stream)}
            refused |= {row.stream: RefusedRecord(row.fault, _next_key(row, ranges)) for row in rows if row.fault}
            refused |= _withheld(ranges, came, lasts)
            locked = {row.stream for row in rows if row.locked}
            self._facts.waits_for_unlock |= bool(locked)
            ended |= {*refused, *locked}  # what is behind would not follow from anything
        self._facts.refused = _without(self._facts.refused, lasts) | refused
        own = self.partition.of(_without(lasts, refused))
        self._facts.behind = plan_catch_up(await self._mirror.numbers(), own).behind
        return list({one.level: one for one in reversed(taken)}.values())

    async def _give_back(
        self, engine: Engine, plan: CatchUp, address: str, mine: Mapping[str, int], heads: Mapping[str, int]
    ) -> None:
        if self._facts.contact.engine == address:
            self._facts.lost.note(
                {span.stream: Loss(mine[span.stream], heads.get(span.stream, 0)) for span in plan.give_back}
            )
        for span in plan.give_back:
            await self._give(engine, span)

    async def _give(self, engine: Engine, span: RecordRange) -> None:
        for key in span.record_keys():
            data = self._mirror.read(key)
            with bounded():
                if data is None or not await engine.put_new(key, data):
                    return  # somebody else gives it back

    async def _compare(self, engine: Engine, places: Mapping[str, int]) -> None:
        forked = await self.search.differing(engine, places)
        self._facts.forked = (self._facts.forked - places.keys()) | forked
        for stream in forked:
            self._facts.refused.pop(stream, None)

    async def _next_records(
        self, engine: Engine, hints: Collection[str], mine: Mapping[str, int]
    ) -> dict[str, dict[str, bytes]]:
        # a hint mostly means one record more. To ask for it spares the question how many there are: one question for
        # each machine and write, and where an engine cannot count, as etcd, an answer as long as the stream
        streams = [stream for stream in sorted(hints) if is_shared(stream) and self.partition.has(stream)]
        spans = [RecordRange(stream, mine.get(stream, 0) + 1, mine.get(stream, 0) + _NEXT) for stream in streams]
        records: dict[str, dict[str, bytes]] = {stream: {} for stream in streams}
        for batch in batches(spans, AT_ONCE):
            with bounded():
                came = await engine.get([key for span in batch for key in span.record_keys()])
            for span in batch:
                run = itertools.takewhile(came.__contains__, span.record_keys())
                records[span.stream] |= {key: came[key] for key in run}
        return records

    async def heads(self, engine: Engine, hints: Collection[str]) -> dict[str, int]:
        """Return the newest numbers that an engine has of this machine's streams."""
        prefixes = self.partition.prefixes()
        if EVERYTHING not in hints:
            own = (stream for stream in sorted(hints) if is_shared(stream) and self.partition.has(stream))
            prefixes = tuple(f"{stream}/@" for stream in own)
        with bounded():
            heads = await engine.heads(*prefixes) if prefixes else {}
        return self.partition.of({stream: seq for stream, seq in heads.items() if is_shared(stream)})


def _without_more(hints: Collection[str], ahead: Mapping[str, Mapping[str, bytes]]) -> frozenset[str]:
    # of the streams that are hinted at: those that may have lost something, as there is nothing more, or have a lot
    return frozenset(stream for stream in hints if len(ahead.get(stream, ())) in (0, _NEXT))


def _withheld(
    ranges: Iterable[RecordRange], came: Mapping[str, bytes], lasts: Mapping[str, int]
) -> dict[str, RefusedRecord]:
    # nothing behind such a record is asked for in this pass: an engine may name any number
    gone = {span.stream: key for span in reversed([*ranges]) for key in reversed(span.record_keys()) if key not in came}
    return {stream: _not_given(lasts[stream], key) for stream, key in gone.items()}


def _not_given(last: int, key: str) -> RefusedRecord:
    fault = f"it names {last} records, and does not give {key.rpartition('/')[2]}"
    return RefusedRecord(fault, key, is_withheld=True)


def _next_key(row: CheckedRecords, ranges: Iterable[RecordRange]) -> str:
    # of the first one that was not taken
    first = next(span.first for span in ranges if span.stream == row.stream)
    return record.record_key(row.stream, first + len(row.records))


def _without(facts: Mapping[str, T], streams: Collection[str]) -> dict[str, T]:
    return {stream: fact for stream, fact in facts.items() if stream not in streams}

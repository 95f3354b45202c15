"""Serves an engine on a stream: to the daemon by a courier, to a courier by `envfs store-serve`.

Laws: no client makes this side hold more than so many requests and records. A message that does not belong here ends
the connection. A request that the engine refuses ends by itself, and the others go on.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

import trio

from envfs.core import limits, shared_keys
from envfs.courier.engine import EVERYTHING, Engine
from envfs.courier.hints import PendingHints
from envfs.courier.streams import MessageStream, unexpected_message
from envfs.errors import BadRequest, EnvFSError, StoreUnavailable, TooMany
from envfs.host.supervision import Tasks, supervised_nursery
from envfs.protocol.courier_requests import (
    BLOB_BYTES,
    WATCHES,
    EraseRecord,
    GetRecords,
    HeadRow,
    HeadsListed,
    ListHeads,
    ListStoreKeys,
    Packet,
    PutRecord,
    Question,
    RecordErased,
    RecordPut,
    RecordsSent,
    StopWatch,
    StoreKeysListed,
    StreamHint,
    WatchStreams,
    failure_of,
    split_texts,
)
from envfs.tuples import NamedTuple

_AT_ONCE = 16
_KEYS_AT_ONCE = 32  # of records that an engine is asked for in one turn, and that are held here
_READS_AT_ONCE = 4
_LATE_SECONDS = 5.0  # between looks whether hints come late
_LATE_LETTERS = 500


class EngineServer:
    """An engine, and the one client that it is served to."""

    def __init__(self, engine: Engine, stream: MessageStream) -> None:
        """Serve `engine` on `stream`."""
        self._engine = engine
        self._stream = stream
        self._room = trio.Semaphore(_AT_ONCE)
        self._reads = trio.Semaphore(_READS_AT_ONCE)
        self._watches: dict[int, trio.CancelScope] = {}
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Answer until the client is gone.

        Raises:
            BadRequest: the client sent something that does not belong here
        """
        with self._scope:
            async with supervised_nursery() as tasks:
                try:
                    await self._read(tasks)
                finally:
                    tasks.cancel()

    def end(self) -> None:
        """End the serving from outside."""
        self._scope.cancel()

    async def _read(self, tasks: Tasks) -> None:
        while True:
            await self._room.acquire()
            packet = await self._stream.receive()
            if packet is None:
                return
            self._begin(tasks, packet)

    def _begin(self, tasks: Tasks, packet: Packet) -> None:
        message = packet.message
        is_put = isinstance(message, PutRecord)
        if len(packet.records) != int(is_put):
            raise unexpected_message()
        if isinstance(message, Question):
            tasks.run(self._answer, message, packet.records)
            return
        self._room.release()
        if isinstance(message, WatchStreams):
            self._begin_watch(tasks, message)
        elif isinstance(message, StopWatch):
            if message.number in self._watches:
                self._watches[message.number].cancel()
        else:
            raise unexpected_message()

    async def _answer(self, request: Question, records: tuple[bytes, ...]) -> None:
        try:
            await self._ask(request, records)
        except EnvFSError as error:
            await self._send(failure_of(request.number, error))
        finally:
            self._room.release()

    async def _ask(self, request: Question, records: tuple[bytes, ...]) -> None:
        number = request.number
        match request:
            case ListHeads(prefixes=prefixes):
                shared_keys.check_prefixes(prefixes)
                await self._send_heads(number, await self._engine.heads(*prefixes))
            case ListStoreKeys(prefix=prefix):
                shared_keys.check_prefix(prefix)
                parts = split_texts(await self._engine.list(prefix))
                for keys, more in _with_more(parts):
                    await self._send(StoreKeysListed(number, keys, more))
            case GetRecords(keys=keys):
                async with self._reads:
                    await self._send_records(number, keys)
            case PutRecord(key=key):
                shared_keys.check_shared_record(key, records[0])
                await self._send(RecordPut(number, await self._engine.put_new(key, records[0])))
            case EraseRecord(key=key):
                shared_keys.check_shared_key(key)
                await self._engine.erase(key)
                await self._send(RecordErased(number))
            case _:
                assert_never(request)

    async def _send_heads(self, number: int, heads: Mapping[str, int]) -> None:
        for streams, more in _with_more(split_texts(sorted(heads))):
            rows = tuple(HeadRow(stream, heads[stream]) for stream in streams)
            await self._send(HeadsListed(number, rows, more))

    async def _send_records(self, number: int, keys: Sequence[str]) -> None:
        for key in keys:
            shared_keys.check_shared_key(key)
        for batch in _batches(keys):
            records = await self._engine.get(batch)
            for part in _parts(records):
                await self._send(RecordsSent(number, tuple(part), more=True), *part.values())
        await self._send(RecordsSent(number, (), more=False))

    def _begin_watch(self, tasks: Tasks, request: WatchStreams) -> None:
        if request.number in self._watches:
            raise BadRequest("a watch of this number is there already")
        if len(self._watches) >= WATCHES:
            tasks.run(self._send, failure_of(request.number, TooMany("there are too many watches")))
            return
        self._watches[request.number] = trio.CancelScope()
        tasks.run(self._watch, request)

    async def _watch(self, request: WatchStreams) -> None:
        hints = PendingHints()
        try:
            with self._watches[request.number]:
                async with supervised_nursery() as tasks:
                    tasks.run(self._collect, request, hints)
                    await self._send_hints(request.number, hints)
        except EnvFSError as error:
            await self._send(failure_of(request.number, error))
        finally:
            del self._watches[request.number]

    async def _send_hints(self, number: int, hints: PendingHints) -> None:
        late = ""
        while True:
            stream: str | None = None
            with trio.move_on_after(_LATE_SECONDS):
                stream = await hints.take()
            if stream is not None or late != self._engine.late:
                late = self._engine.late
                await self._send(StreamHint(number, stream or EVERYTHING, late[:_LATE_LETTERS]))

    async def _collect(self, request: WatchStreams, hints: PendingHints) -> None:
        try:
            shared_keys.check_prefixes(request.prefixes)
            async for stream in self._engine.watch(request.prefixes):
                hints.add(stream)
            hints.fail(StoreUnavailable("the engine is closed"))
        except EnvFSError as error:
            hints.fail(error)

    async def _send(self, message: NamedTuple, *records: bytes) -> None:
        try:
            await self._stream.send(message, *records)
        except StoreUnavailable:  # the client is gone
            self.end()


def _with_more(parts: list[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], bool]]:
    for place, part in enumerate(parts, 1):
        yield part, place < len(parts)


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[start : start + _KEYS_AT_ONCE]


def _parts(records: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    sizes = itertools.accumulate(len(data) for data in records.values())
    by_place = zip(records.items(), sizes, strict=True)
    for _, rows in itertools.groupby(by_place, key=lambda row: row[1] // (BLOB_BYTES - limits.RECORD_BYTES)):
        yield dict(row[0] for row in rows)

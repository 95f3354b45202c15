"""An engine on the other side of a stream: a courier's, as the daemon uses it, or that of `envfs store-serve`.

Laws: the other side is not believed. Keys and numbers have their form, records are those that were asked for, and an
answer is bounded. A question that was given up costs nothing.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress

import trio

from envfs.core import limits, shared_keys
from envfs.core.visible_text import visible_text
from envfs.courier.engine import EVERYTHING
from envfs.courier.hints import PendingHints
from envfs.courier.questions import OpenQuestion, expected_answers, nonsense
from envfs.courier.streams import MessageStream
from envfs.errors import BadRequest, EnvFSError, StoreUnavailable
from envfs.host.supervision import supervised_nursery
from envfs.protocol import courier_requests as words
from envfs.tuples import NamedTuple

_KEYS_OF_A_QUESTION = 256
Packets = list[words.Packet]
_WAITING = 64  # messages on their way out


class EngineLink:
    """An engine behind a stream. `run` has to run while it is used."""

    def __init__(self, stream: MessageStream) -> None:
        """Use a stream on which both sides have greeted."""
        self._stream = stream
        self._numbers = 0
        self._questions: dict[int, OpenQuestion] = {}
        self._hints: dict[int, PendingHints] = {}
        self._outgoing, self._queue = trio.open_memory_channel[tuple[NamedTuple, tuple[bytes, ...]]](_WAITING)
        self.end: EnvFSError | None = None
        self.late = ""  # why hints come late, as the other side says

    async def run(self) -> None:
        """Take answers until the other side is gone or says nonsense. All questions have failed then."""
        try:
            async with supervised_nursery() as tasks:
                tasks.run(self._write)
                await self._read()
                tasks.cancel()
        finally:
            self._fail(StoreUnavailable("the connection to the engine has ended"))
            await self._stream.close()

    async def close(self) -> None:
        """End the connection. All questions fail."""
        self._fail(StoreUnavailable("the engine is closed"))
        await self._stream.close()

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        """Return the newest number of each stream with keys that start so."""
        shared_keys.check_prefixes(prefixes)
        heads: dict[str, int] = {}
        for part in words.split_texts(prefixes):
            packets = await self._ask(words.ListHeads(self._number(), part))
            answers = expected_answers(packets, words.HeadsListed)
            heads |= {row.stream: row.newest for answer in answers for row in answer.heads}
        if not all(_is_head(stream, newest, prefixes) for stream, newest in heads.items()):
            raise nonsense()
        return heads

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys that start with `prefix`, in order."""
        shared_keys.check_prefix(prefix)
        packets = await self._ask(words.ListStoreKeys(self._number(), prefix))
        keys = {key for answer in expected_answers(packets, words.StoreKeysListed) for key in answer.keys}
        if not all(key.startswith(prefix) and shared_keys.is_shared_key(key) for key in keys):
            raise nonsense()
        return sorted(keys)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the bytes of those keys that are there."""
        for key in keys:
            shared_keys.check_shared_key(key)
        records: dict[str, bytes] = {}
        for start in range(0, len(keys), _KEYS_OF_A_QUESTION):
            for part in words.split_texts(keys[start : start + _KEYS_OF_A_QUESTION]):
                records.update(await self._get_part(part))
        return records

    async def _get_part(self, keys: tuple[str, ...]) -> dict[str, bytes]:
        packets = await self._ask(words.GetRecords(self._number(), keys))
        records: dict[str, bytes] = {}
        for answer, part in zip(expected_answers(packets, words.RecordsSent), packets, strict=True):
            if len(answer.keys) != len(part.records) or not set(keys).issuperset(answer.keys):
                raise nonsense()
            records.update(zip(answer.keys, part.records, strict=True))
        if any(len(data) > limits.RECORD_BYTES for data in records.values()):
            raise nonsense()
        return records

    async def put_new(self, key: str, data: bytes) -> bool:
        """Store bytes under a key that is not there yet. False, and nothing changed, if it is."""
        shared_keys.check_shared_record(key, data)
        packets = await self._ask(words.PutRecord(self._number(), key), data)
        return expected_answers(packets, words.RecordPut)[-1].is_new

    async def erase(self, key: str) -> None:
        """Replace the bytes of a key by none."""
        shared_keys.check_shared_key(key)
        expected_answers(await self._ask(words.EraseRecord(self._number(), key)), words.RecordErased)

    async def watch(self, prefixes: Sequence[str]) -> AsyncGenerator[str, None]:
        """Yield streams that may have grown, or EVERYTHING."""
        shared_keys.check_prefixes(prefixes)
        number = self._number()
        hints = self._hints[number] = PendingHints()
        try:
            await self._send(words.WatchStreams(number, tuple(prefixes)))
            while True:
                yield await hints.take()
        finally:
            del self._hints[number]
            with suppress(trio.WouldBlock):  # its hints are passed over then
                self._outgoing.send_nowait((words.StopWatch(number), ()))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _ask(self, message: words.Question, *records: bytes) -> "Packets":
        question = self._questions[message.number] = OpenQuestion()
        try:
            await self._send(message, *records)
            await question.wait(lambda: self._stream.heard)
        finally:
            del self._questions[message.number]
        return question.packets

    async def _send(self, message: NamedTuple, *records: bytes) -> None:
        if self.end is not None:
            raise self.end
        await self._outgoing.send((message, records))

    async def _write(self) -> None:
        try:
            async for message, records in self._queue:
                await self._stream.send(message, *records)
        except StoreUnavailable as error:
            self._fail(error)
            await self._stream.close()

    async def _read(self) -> None:
        try:
            while (packet := await self._stream.receive()) is not None:
                self._take(packet)
        except BadRequest:
            self._fail(nonsense())

    def _take(self, packet: words.Packet) -> None:
        message = packet.message
        number = getattr(message, "number", 0)
        if number in self._questions:
            self._questions[number].take(packet, sum(map(len, packet.records)) + words.TEXT_BYTES // 8)
        elif number in self._hints:
            self._take_hint(self._hints[number], message)

    def _take_hint(self, hints: PendingHints, message: object) -> None:
        if isinstance(message, words.StreamHint) and _is_hint(message.stream):
            self.late = visible_text(message.late)
            hints.add(message.stream)
        elif isinstance(message, words.RequestFailed):
            hints.fail(words.error_of(message))
        else:
            hints.fail(nonsense())

    def _fail(self, error: EnvFSError) -> None:
        if self.end is None:
            self.end = error
        for question in self._questions.values():
            question.fail(self.end)
        for hints in self._hints.values():
            hints.fail(self.end)


def _is_head(stream: str, newest: int, prefixes: Sequence[str]) -> bool:
    return newest > 0 and shared_keys.is_within(stream, prefixes) and shared_keys.is_shared_stream(stream)


def _is_hint(stream: str) -> bool:
    return stream == EVERYTHING or shared_keys.is_shared_stream(stream)

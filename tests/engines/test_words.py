"""Neither side of a connection believes the other: a client that is hostile to a server, a server to its client."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import pytest
import trio
import trio.testing

from envfs.core import limits
from envfs.courier import hints, questions, serving
from envfs.courier.engine import EVERYTHING
from envfs.courier.link import EngineLink
from envfs.courier.serving import EngineServer
from envfs.courier.streams import MessageStream
from envfs.errors import BadRequest, EnvFSError, NotApproved, StoreUnavailable
from envfs.protocol import courier_requests as words
from envfs.tuples import NamedTuple
from tests.engines.using import run

KEY = "level/shop/@00000001.json"


class FakeEngine:
    """An engine in memory that counts what is asked at once, and can be made to wait."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.hints = [EVERYTHING]
        self.gate = trio.Event()
        self.gate.set()
        self.late = ""
        self.at_once = self.most_at_once = 0

    async def heads(self, *prefixes: str) -> Mapping[str, int]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        return {"level/shop": 1}

    async def list(self, prefix: str) -> Sequence[str]:
        return sorted(self.records)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self.records[key] for key in keys if key in self.records}

    async def put_new(self, key: str, data: bytes) -> bool:
        return self.records.setdefault(key, data) is data

    async def erase(self, key: str) -> None:
        raise NotApproved("nothing is erased here", "ask the owner")

    async def watch(self, prefixes: Sequence[str]) -> AsyncIterator[str]:
        for hint in self.hints:
            yield hint
        await trio.sleep_forever()

    async def close(self) -> None:
        pass


# -- a server and its clients ------------------------------------------------------------------------------------------


def serve(talk: Callable[[trio.abc.Stream, FakeEngine], Awaitable[None]]) -> None:
    """Let a client talk to a server over bytes. The server has ended when the client has."""

    async def main() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        engine = FakeEngine()
        server = EngineServer(engine, MessageStream(theirs, words.REQUESTS, limits.RECORD_BYTES))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.run)
            await talk(ours, engine)
            await ours.aclose()

    run(main)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n",
        b"\0\0\0\2{}",
        b"\xff\xff\xff\xff",
        words.encode_message(words.RecordPut(1, is_new=True)),
        words.encode_message(words.BeginCourier("folder:/etc")),
        words.encode_message(words.ListHeads(1, ("",)), b"a record"),
        words.encode_message(words.PutRecord(1, KEY)),
        words.encode_message(words.PutRecord(1, KEY), b"x", b"y"),
        b"".join([(40).to_bytes(4, "big"), b'{"type":"list-heads","number":true,"p":1}'[:40]]),
        words.framing.encode_frame({"type": "put-record", "number": 1, "key": KEY, "blobs": [limits.RECORD_BYTES + 1]}),
    ],
)
def test_a_message_that_has_no_place_ends_the_connection(data: bytes) -> None:
    async def talk(stream: trio.abc.Stream, _: FakeEngine) -> None:
        await stream.send_all(data)
        await trio.sleep_forever()

    with pytest.RaisesGroup(BadRequest, flatten_subgroups=True):
        serve(talk)


def test_a_client_that_asks_and_never_reads_is_served_so_much_and_no_more() -> None:
    async def talk(stream: trio.abc.Stream, engine: FakeEngine) -> None:
        engine.gate = trio.Event()
        for number in range(1000):
            await stream.send_all(words.encode_message(words.ListHeads(number, ("",))))
        await trio.testing.wait_all_tasks_blocked()
        assert engine.most_at_once == serving._AT_ONCE
        engine.gate.set()

    serve(talk)


def test_a_request_that_is_refused_ends_by_itself_and_others_go_on() -> None:
    async def talk(stream: trio.abc.Stream, engine: FakeEngine) -> None:
        client = MessageStream(stream, words.ANSWERS, words.BLOB_BYTES)
        for number, request in enumerate(
            (words.ListHeads(1, ("../",)), words.GetRecords(2, ("tree/x/@",)), words.EraseRecord(3, KEY)), 1
        ):
            await client.send(request)
            packet = await client.receive()
            assert packet is not None
            assert isinstance(packet.message, words.RequestFailed)
            assert packet.message.number == number
        await client.send(words.ListHeads(4, ("",)))
        packet = await client.receive()
        assert packet is not None
        assert packet.message == words.HeadsListed(4, (words.HeadRow("level/shop", 1),), more=False)

    serve(talk)


def test_so_many_watches_are_served_and_no_more() -> None:
    async def talk(stream: trio.abc.Stream, engine: FakeEngine) -> None:
        client = MessageStream(stream, words.ANSWERS, words.BLOB_BYTES)
        for number in range(words.WATCHES + 1):
            await client.send(words.WatchStreams(number, ("",)))
        packets = [await client.receive() for _ in range(words.WATCHES + 1)]
        kinds = sorted(type(packet.message).__name__ for packet in packets if packet is not None)
        assert kinds == ["RequestFailed"] + ["StreamHint"] * words.WATCHES
        await client.send(words.StopWatch(0))
        await client.send(words.StopWatch(77))
        await trio.testing.wait_all_tasks_blocked()
        await client.send(words.WatchStreams(99, ("",)))
        packet = await client.receive()
        assert packet is not None
        assert packet.message == words.StreamHint(99, EVERYTHING)

    serve(talk)


# -- a client and its servers ------------------------------------------------------------------------------------------


def ask(*answers: tuple[NamedTuple, *tuple[bytes, ...]], use: Callable[[EngineLink], Awaitable[object]]) -> object:
    """Ask a server that sends these answers, whatever it is asked."""

    async def main() -> object:
        ours, theirs = trio.testing.memory_stream_pair()
        link = EngineLink(MessageStream(ours, words.ANSWERS, words.BLOB_BYTES))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)

            async def answer() -> None:
                await theirs.receive_some()
                with suppress(trio.BrokenResourceError):  # the client has heard enough
                    for message, *records in answers:
                        await theirs.send_all(words.encode_message(message, *records))

            nursery.start_soon(answer)
            try:
                return await use(link)
            except EnvFSError as error:
                return error
            finally:
                await link.close()

    return run(main)


@pytest.mark.parametrize(
    "answer",
    [
        (words.RecordPut(1, is_new=True),),
        (words.HeadsListed(1, (words.HeadRow("tree/x", 1),), more=False),),
        (words.HeadsListed(1, (words.HeadRow("level/../x", 1),), more=False),),
        (words.HeadsListed(1, (words.HeadRow("level/x", 0),), more=False),),
        (words.HeadsListed(1, (words.HeadRow("level/x", -1),), more=False),),
        (words.HeadsListed(1, (words.HeadRow("key/x", 1),), more=False),),
        (words.RequestFailed(1, "locked", "unlock it", "type your passphrase at https://evil.example"),),
        (words.RequestFailed(1, "store-unavailable", "x" * 501, ""),),
        (words.BeginCourier("folder:/"),),
    ],
)
def test_heads_that_cannot_be_are_a_fault(answer: tuple[NamedTuple]) -> None:
    failed = ask(answer, use=lambda link: link.heads("level/"))
    assert isinstance(failed, (StoreUnavailable, BadRequest))
    assert failed.hint == ""


@pytest.mark.parametrize("keys", [("level/b/@00000001.json",), ("level/a/../@00000001.json",), ("/etc/passwd",)])
def test_keys_that_were_not_asked_for_are_a_fault(keys: tuple[str, ...]) -> None:
    answer = (words.StoreKeysListed(1, keys, more=False),)
    assert isinstance(ask(answer, use=lambda link: link.list("level/a")), StoreUnavailable)


@pytest.mark.parametrize(
    "answer",
    [
        (words.RecordsSent(1, ("level/other/@00000001.json",), more=False), b"x"),
        (words.RecordsSent(1, (KEY,), more=False),),
        (words.RecordsSent(1, (KEY,), more=False), b"x", b"y"),
        (words.RecordsSent(1, (KEY,), more=False), bytes(limits.RECORD_BYTES + 1)),
    ],
)
def test_records_that_were_not_asked_for_are_a_fault(answer: tuple[NamedTuple, *tuple[bytes, ...]]) -> None:
    assert isinstance(ask(answer, use=lambda link: link.get([KEY])), StoreUnavailable)


def test_an_answer_without_an_end_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_MOST_BYTES", 100_000)
    answers = [(words.RecordsSent(1, (KEY,), more=True), bytes(1000))] * 100
    assert isinstance(ask(*answers, use=lambda link: link.get([KEY])), StoreUnavailable)


def test_a_text_of_the_other_side_reaches_no_terminal_as_it_is() -> None:
    answer = (words.RequestFailed(1, "not-approved", "no\x1b[2J", "do\nthis"),)
    failed = ask(answer, use=lambda link: link.put_new(KEY, b"x"))
    assert isinstance(failed, NotApproved)
    assert (failed.text, failed.hint) == ("no?[2J", "do?this")


def test_a_hint_for_what_is_no_stream_ends_the_watch() -> None:
    answers = [(words.StreamHint(1, EVERYTHING),), (words.StreamHint(1, "../etc"),)]

    async def use(link: EngineLink) -> list[str]:
        return [stream async for stream in link.watch(("",))]

    assert isinstance(ask(*answers, use=use), StoreUnavailable)


def test_a_side_that_is_gone_or_says_no_words_fails_all_questions_and_later_ones() -> None:
    for data in (b"", b"not a frame"):

        async def main(data: bytes = data) -> None:
            ours, theirs = trio.testing.memory_stream_pair()
            link = EngineLink(MessageStream(ours, words.ANSWERS, words.BLOB_BYTES))
            failed: list[str] = []

            async def question() -> None:
                with pytest.raises(StoreUnavailable) as error:
                    await link.heads("")
                failed.append(error.value.text)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.run)
                for _ in range(5):
                    nursery.start_soon(question)
                await trio.testing.wait_all_tasks_blocked()
                await theirs.send_all(data) if data else await theirs.aclose()
            assert len(failed) == 5
            assert isinstance(link.end, StoreUnavailable)
            await question()

        run(main)


def test_a_side_that_says_nothing_fails_a_question_in_bounded_time() -> None:
    async def main() -> float:
        ours, _theirs = trio.testing.memory_stream_pair()
        link = EngineLink(MessageStream(ours, words.ANSWERS, words.BLOB_BYTES))
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            with pytest.raises(StoreUnavailable):
                await link.heads("")
            nursery.cancel_scope.cancel()
        return trio.current_time() - begun

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == questions.SILENT_SECONDS


def test_a_question_that_is_given_up_leaves_its_late_answer_unread() -> None:
    async def use() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        link = EngineLink(MessageStream(ours, words.ANSWERS, words.BLOB_BYTES))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            with trio.move_on_after(0.01):
                await link.put_new(KEY, b"x")
            await theirs.send_all(words.encode_message(words.RecordPut(1, is_new=True)))
            nursery.start_soon(answer, theirs)
            assert await link.put_new(KEY, b"y") is False
            await link.close()

    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(words.encode_message(words.RecordPut(2, is_new=False)))

    run(use)


def test_hints_that_nobody_takes_are_kept_once_each_and_very_many_are_one() -> None:
    async def use() -> None:
        pending = hints.PendingHints()
        for stream in ("level/a", "level/b", "level/a"):
            pending.add(stream)
        assert [await pending.take(), await pending.take()] == ["level/a", "level/b"]
        for number in range(5000):
            pending.add(f"level/x{number}")
        assert await pending.take() == EVERYTHING
        with trio.move_on_after(0.01) as scope:
            await pending.take()
        assert scope.cancelled_caught

    trio.run(use, clock=trio.testing.MockClock(autojump_threshold=0))

"""News for an open page: which entries and questions are some, and when the stream ends."""

import asyncio
import json

import pytest

from envfs.errors import NotApproved
from envfs.protocol import control
from envfs_cli.web import live
from envfs_cli.web.asking import PageAsker
from tests.unit.cli.shell.test_questions import ROW

OLD = control.LogRow('{"event":"write","uid":5}\n')


class _Forgets(PageAsker):
    """Notes that something has changed."""

    forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


def _told(*rows: control.LogRow | None) -> tuple[list[str], int]:
    told: list[str] = []
    asker = _Forgets()
    take = live.log_taker(told.append, asker)
    for row in rows:
        take(row)
    return told, asker.forgotten


def _entry(event: str, **members: object) -> control.LogRow:
    return control.LogRow(json.dumps({"event": event, "uid": 5, **members}) + "\n")


def test_the_entry_that_was_there_before_is_no_news() -> None:
    assert _told(OLD) == ([], 0)
    assert _told(OLD, None, OLD) == (["health"], 0)


def test_a_look_at_names_is_no_news() -> None:
    assert _told(OLD, *(_entry("read", format=word) for word in ("names", "presence", "history"))) == ([], 0)


def test_reads_refusals_and_changes_are() -> None:
    assert _told(OLD, _entry("read", format="dotenv")) == (["log"], 0)
    assert _told(OLD, _entry("refuse", format="names")) == (["log"], 0)
    assert _told(OLD, _entry("grant")) == (["log", "changes"], 1)
    assert _told(OLD, control.LogRow('{"event":"checkpoint"}\n'), control.LogRow("rubbish\n")) == ([], 0)


def test_questions_are_counted_while_they_wait() -> None:
    waiting: set[str] = set()
    told: list[str] = []
    take = live.question_taker(told.append, waiting)
    take(ROW)
    take(ROW._replace(question="q2"))
    take(ROW._replace(state="denied"))
    assert waiting == {"q2"}
    take(None)
    assert not waiting
    assert set(told) == {"approvals"}


class _Refused(PageAsker):
    def begin(self, request: object) -> object:  # type: ignore[override]
        raise NotApproved("no rule gives that")


def test_a_stream_ends_with_the_server_and_leaves_its_place() -> None:
    async def run() -> list[str]:
        streams = live.NewsStreams(_Refused())
        events = []
        for _ in range(live.MOST_STREAMS):
            async for event in (stream := streams.stream()):
                events.append(event)
                streams.end()
            await stream.aclose()  # type: ignore[attr-defined]
        assert not streams.is_full
        return events

    events = asyncio.run(run())
    assert events[:2] == ["retry: 5000\n\n", "event: end\ndata: end\n\n"]


def test_there_are_as_many_streams_as_there_may_be() -> None:
    async def run() -> None:
        streams = live.NewsStreams(_Refused())
        opened = [streams.stream() for _ in range(live.MOST_STREAMS)]
        for stream in opened:
            await anext(stream)
        assert streams.is_full
        for stream in opened:
            await stream.aclose()  # type: ignore[attr-defined]
        assert not streams.is_full

    asyncio.run(run())


@pytest.mark.parametrize("words", [("log",), ("log", "changes", "log")])
def test_news_of_a_moment_come_together(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_GATHER_SECONDS", 0)

    async def run(*, ends: bool) -> set[str]:
        kinds: asyncio.Queue[str] = asyncio.Queue()
        ending = asyncio.Event()
        if ends:
            ending.set()
        else:
            for word in words:
                kinds.put_nowait(word)
        return await live.gather_news(kinds, ending)

    assert asyncio.run(run(ends=False)) == set(words)
    assert asyncio.run(run(ends=True)) == set()

"""News for an open page, by server-sent events (HTML standard, section 9.2): kinds of news, and no content.

Laws: questions are watched for as long as a page is open, and no longer, as a program that asks counts on somebody who
looks. An entry of the log about a look at names is no news: otherwise a page would be news to itself.
"""

import asyncio

from envfs.errors import EnvFSError, NotApproved
from envfs.protocol import control
from envfs_cli.web import activity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import NamedTuple

    from envfs_cli.daemon.client import Link
    from envfs_cli.web.asking import PageAsker

    Tell = Callable[[str], None]

_GATHER_SECONDS, _PING_SECONDS, _AGAIN_SECONDS = 1.0, 15.0, 5.0
_CHANGES = frozenset(
    ("write", "key", "grant", "revoke", "forget", "void", "lock", "unlock", "accept", "init", "start", "rotate")
)
MOST_STREAMS = 6
_OPEN = "open"


class NewsStreams:
    """Streams of news, one for each open page, until the server ends."""

    def __init__(self, asker: "PageAsker") -> None:
        """Have no stream yet."""
        self._asker = asker
        self._count = 0
        self._ending = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Tell whether there are as many streams as there may be."""
        return self._count >= MOST_STREAMS

    def end(self) -> None:
        """Tell each page that nothing comes any more."""
        self._ending.set()

    async def stream(self) -> "AsyncIterator[str]":
        """Yield the events of one page, until it is closed."""
        kinds: asyncio.Queue[str] = asyncio.Queue()
        waiting: set[str] = set()
        self._count += 1
        watchers = [
            asyncio.create_task(self._watch(control.ReadLog(1, follow=True), log_taker(kinds.put_nowait, self._asker))),
            asyncio.create_task(self._watch(control.WatchApprovals(), question_taker(kinds.put_nowait, waiting))),
        ]
        try:
            yield "retry: 5000\n\n"
            while not self._ending.is_set():
                news = await gather_news(kinds, self._ending)
                if "approvals" in news:
                    yield f"event: questions\ndata: {len(waiting)}\n\n"
                yield f"event: news\ndata: {' '.join(sorted(news))}\n\n" if news else ": still here\n\n"
            yield "event: end\ndata: end\n\n"
        finally:
            self._count -= 1
            for watcher in watchers:
                watcher.cancel()

    async def _watch(self, request: "NamedTuple", take: "Callable[[object], None]") -> None:
        while True:
            try:
                link = await asyncio.to_thread(self._asker.begin, request)
                try:
                    await _follow(link, take)
                finally:
                    link.close()
            except NotApproved:
                return
            except EnvFSError:
                pass
            take(None)
            await asyncio.sleep(_AGAIN_SECONDS)


async def gather_news(kinds: "asyncio.Queue[str]", ending: asyncio.Event) -> "set[str]":
    """Wait for news, and return all that come within a moment. None if there are none for a while, or at the end."""
    first, end = asyncio.create_task(kinds.get()), asyncio.create_task(ending.wait())
    try:
        await asyncio.wait((first, end), timeout=_PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            return set()
        news = {first.result()}
    finally:
        first.cancel()
        end.cancel()
    await asyncio.sleep(_GATHER_SECONDS)
    while not kinds.empty():
        news.add(kinds.get_nowait())
    return news


async def _follow(link: "Link", take: "Callable[[object], None]") -> None:
    while True:
        await _readable(link.fileno())
        rows = link.come()
        if rows is None:
            return
        for row in rows:
            take(row)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    is_ready = asyncio.Event()
    loop.add_reader(descriptor, is_ready.set)
    try:
        await is_ready.wait()
    finally:
        loop.remove_reader(descriptor)


def log_taker(tell: "Tell", asker: "PageAsker") -> "Callable[[object], None]":
    """Return a function that takes entries of the log (None: the stream has ended), and tells of what is news."""
    is_old = True  # the first row of each stream was there before

    def take(row: object) -> None:
        nonlocal is_old
        if row is None:
            is_old = True
            tell("health")
        elif isinstance(row, control.LogRow) and is_old:
            is_old = False
        elif isinstance(row, control.LogRow):
            entry = activity.entry_of(row.line)
            if not activity.is_look(entry) and "uid" in entry:
                tell("log")
            if entry.get("event") in _CHANGES:
                asker.forget()
                tell("changes")

    return take


def question_taker(tell: "Tell", waiting: "set[str]") -> "Callable[[object], None]":
    """Return a function that takes questions (None: the stream has ended), and keeps in `waiting` those that wait."""

    def take(row: object) -> None:
        if isinstance(row, control.QuestionRow):
            (waiting.add if row.state == _OPEN else waiting.discard)(row.question)
            tell("approvals")
        elif row is None:
            waiting.clear()
            tell("approvals")

    return take

"""Reports of changed views, and their time: the daemon alone writes its vault while it runs, so it knows.

Laws: a change is told only if a reader gets something else than before, or if its writer may not know. A writer's
reply waits for nobody who is told.
Changes that come while others are being told may be told as one, but the last is never lost; what cannot be compared
because it is locked is told when it is unlocked. Code between two awaits is atomic. Shared are `_written` and `_later`.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import groupby
from typing import NoReturn, Protocol

import trio

from envfs.core import names
from envfs.core.differences import Difference
from envfs.core.scope import Scope
from envfs.errors import EnvFSError, KeyholderGone, Locked
from envfs.gate.views.view import ChainVersions
from envfs.gate.views.view_times import ViewTimes
from envfs.host import surprises
from envfs.host.supervision import supervised_nursery
from envfs.service.changes.comparison import EVERYTHING, UNKNOWN, Comparison, LevelVersion, ViewChange

_AT_ONCE = 64  # views compared by one child of the keyholder: those who watch the first need not wait for the last
_PATIENCE = 0.1


class ViewNews(StrEnum):
    """An event of a view that is watched. The words are those of the wire."""

    WATCHED = "watched"  # from here on nothing is missed
    CHANGED = "changed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"


class KernelMount(Protocol):
    """The mount, as far as it tells the kernel."""

    def levels(self) -> set[str]:
        """Return the levels that the kernel knows something of."""
        ...

    async def touch(self, differing: Mapping[str, Difference]) -> None:
        """Make the kernel tell its watchers that the views of these levels changed, and in what."""
        ...


class ViewWatch:
    """One who waits for what happens to a level's view. Of several equal pieces of news one is kept."""

    def __init__(self, level: str) -> None:
        """Wait for news of `level`."""
        self.level = level
        self._news: list[ViewNews] = []
        self._come = trio.Event()

    def tell(self, what: ViewNews) -> None:
        """Add a piece of news."""
        if what not in self._news:
            self._news.append(what)
        self._come.set()

    async def wait(self) -> None:
        """Wait until there are news."""
        await self._come.wait()

    def take(self) -> list[ViewNews]:
        """Return the news that nobody took yet."""
        news, self._news, self._come = self._news, [], trio.Event()
        return news


class ChangeNotices:
    """Changes that are not reported yet. `mount` is told beside those who watch, once there is one.

    `at_once` hears of each as soon as it was made, before its writer is answered.
    """

    def __init__(
        self, comparison: Comparison, times: ViewTimes, renew: Callable[[Collection[str]], Awaitable[None]]
    ) -> None:
        """Compare by `comparison`. A view that reads as before keeps its time in `times`.

        Readers come before those who are told: `renew` is asked first to have views made that levels are in.
        """
        self.mount: KernelMount | None = None
        self.at_once: Callable[[], None] = _nothing
        self.running = False
        self._comparison = comparison
        self._times = times
        self._renew = renew
        self._watches: set[ViewWatch] = set()
        self._written: dict[str, LevelVersion] = {}
        self._telling: Collection[str] = ()
        self._later: dict[str, ChainVersions] = {}
        self._come = trio.Event()
        self._told = trio.lowlevel.ParkingLot()

    # -- what happens --------------------------------------------------------------------------------------------------

    def wrote(self, level: str, before: LevelVersion) -> None:
        """Take note that a level was at version `before` and is so no more."""
        self.at_once()
        if self.running:
            self._written.setdefault(level, before)
            self._come.set()

    def count_as_changed(self, digest: str) -> None:
        """Tell of a record's views that they changed, whether or not they did: its writer is to learn nothing."""
        self._times.count_as_changed(digest)

    def locked(self, scope: Scope) -> None:
        """Tell those who watch a view that has text of a scope that this was locked."""
        for watch in self._watches:
            if scope.covers(watch.level):
                watch.tell(ViewNews.LOCKED)

    def unlocked(self) -> None:
        """Tell those who watch that something was unlocked, and what changed while it was not."""
        for watch in self._watches:
            watch.tell(ViewNews.UNLOCKED)
        self._come.set()

    # -- who wants to know ---------------------------------------------------------------------------------------------

    @contextmanager
    def watch(self, level: str) -> Iterator[ViewWatch]:
        """Tell of one level for as long as the block lasts."""
        watch = ViewWatch(level)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def wait_told(self, level: str) -> None:
        """Wait a moment for what was written at, above or below a level to be told: one change after the other."""
        with trio.move_on_after(_PATIENCE):
            while any(_touches(level, other) for other in (*self._written, *self._telling)):
                await self._told.park()

    # -- telling -------------------------------------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Tell of changes for ever."""
        self.running = True
        while True:
            await self._come.wait()
            self._come = trio.Event()
            try:
                await self._tell_all()
            except Exception as error:  # noqa: BLE001 - the next change is to be told all the same
                surprises.report_bug(error)
            finally:
                self._telling = ()
                self._told.unpark_all()

    async def _tell_all(self) -> None:
        written, self._written = self._written, {}
        self._telling = written
        late, self._later = self._later, {}
        await self._renew(written)
        async with supervised_nursery() as tasks:  # some are told while the next ones are compared
            for levels in _batches(self._concerned(written, late)):
                differing = await self._compare([self._change(level, written, late.get(level)) for level in levels])
                tasks.run(self._tell, differing)

    def _concerned(self, written: Collection[str], late: Iterable[str]) -> set[str]:
        looked_at = self.mount.levels() if self.mount is not None else set()
        levels = {*looked_at, *(watch.level for watch in self._watches)}
        return {level for level in levels if not set(names.chain(level)).isdisjoint(written)} | levels.intersection(
            late
        )

    def _change(self, level: str, written: dict[str, LevelVersion], late: ChainVersions | None) -> ViewChange:
        try:
            return ViewChange(late or self._comparison.before(level, written), self._comparison.now(level))
        except EnvFSError:  # what it is made of cannot be read: it is not compared, and counts as changed
            steps = len(names.chain(level))
            nothing = ChainVersions(level, (UNKNOWN.seq,) * steps, (UNKNOWN.digest,) * steps)
            return ViewChange(nothing, nothing)

    async def _compare(self, changes: list[ViewChange]) -> dict[str, Difference]:
        counted = [change for change in changes if self._counts(change)]
        differing = {change.now.level: EVERYTHING for change in counted}
        changes = [change for change in changes if change.now.level not in differing]
        try:
            differences = await self._comparison.differing(changes) if changes else []
        except (Locked, KeyholderGone):
            self._later.update((change.now.level, change.before) for change in changes)
            return differing
        for change, difference in zip(changes, differences, strict=True):
            if any(difference):
                differing[change.now.level] = difference
            else:
                self._times.carry(change.now.level, change.before.fingerprint, change.now.fingerprint)
        return differing

    def _counts(self, change: ViewChange) -> bool:
        return self._times.counts_as_changed(change.before.fingerprint, change.now.fingerprint)

    async def _tell(self, differing: dict[str, Difference]) -> None:
        for watch in self._watches:
            if watch.level in differing:
                watch.tell(ViewNews.CHANGED)
        if self.mount is not None and differing:
            await self.mount.touch(differing)


def _batches(levels: Iterable[str]) -> Iterator[list[str]]:
    # of one project each: if that is locked, the others need not wait
    for _, group in groupby(sorted(levels, key=lambda level: (names.project(level), level)), key=names.project):
        of_project = list(group)
        for first in range(0, len(of_project), _AT_ONCE):
            yield of_project[first : first + _AT_ONCE]


def _touches(level: str, other: str) -> bool:
    return names.within(level, other) or names.within(other, level)


def _nothing() -> None:
    """Without a mount a change has no listener."""

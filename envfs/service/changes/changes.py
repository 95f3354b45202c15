"""Who is told that a view changed, and when: the daemon alone writes its vault while it runs, so it knows.

Laws: a change is told only if a reader gets something else than before; a writer's reply waits for nobody who is told;
changes that come while others are being told may be told as one, but the last is never lost; what cannot be compared
because it is locked is told when it is unlocked. Code between two awaits is atomic; shared are `_written` and `_later`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import NoReturn, Protocol

import trio

from envfs.core import names
from envfs.core.differences import Difference
from envfs.errors import EnvFSError, KeyholderGone, Locked
from envfs.gate.views.view import Layers
from envfs.gate.views.view_times import Moments
from envfs.host import surprises
from envfs.host.supervision import supervised
from envfs.service.changes.comparison import UNKNOWN, Change, Comparison, Version

CHANGED, LOCKED, UNLOCKED = "changed", "locked", "unlocked"
_AT_ONCE = 64  # views compared by one child of the keyholder: those who watch the first need not wait for the last
_PATIENCE = 0.1


class Mounted(Protocol):
    """The mount, as far as it tells the kernel."""

    def levels(self) -> set[str]:
        """Return the levels that the kernel knows something of."""
        ...

    async def touch(self, differing: Mapping[str, Difference]) -> None:
        """Make the kernel tell its watchers that the views of these levels changed, and in what."""
        ...


class Watch:
    """One who waits for what happens to a level's view; of several equal pieces of news one is kept."""

    def __init__(self, level: str) -> None:
        """Wait for news of `level`."""
        self.level = level
        self._news: list[str] = []
        self._come = trio.Event()

    def tell(self, what: str) -> None:
        """Add a piece of news."""
        if what not in self._news:
            self._news.append(what)
        self._come.set()

    async def wait(self) -> None:
        """Wait until there are news."""
        await self._come.wait()

    def take(self) -> list[str]:
        """Return the news that nobody took yet."""
        news, self._news, self._come = self._news, [], trio.Event()
        return news


class Changes:
    """What was written and is still to be told; `mount` is told beside those who watch, once there is one."""

    def __init__(self, comparison: Comparison, moments: Moments) -> None:
        """Compare by `comparison`; a view that reads as before keeps its time in `moments`."""
        self.mount: Mounted | None = None
        self.running = False
        self._comparison = comparison
        self._moments = moments
        self._watches: set[Watch] = set()
        self._written: dict[str, Version] = {}
        self._telling: Collection[str] = ()
        self._later: dict[str, Layers] = {}
        self._come = trio.Event()
        self._told = trio.lowlevel.ParkingLot()

    # -- what happens --------------------------------------------------------------------------------------------------

    def wrote(self, level: str, before: Version) -> None:
        """Take note that a level was at version `before` and is so no more."""
        if self.running:
            self._written.setdefault(level, before)
            self._come.set()

    def locked(self, scope: str) -> None:
        """Tell those who watch in a scope (`/shop`, or empty for all) that it was locked."""
        for watch in self._watches:
            if scope in ("", names.ROOT) or names.within(watch.level, scope):
                watch.tell(LOCKED)

    def unlocked(self) -> None:
        """Tell those who watch that something was unlocked, and what changed while it was not."""
        for watch in self._watches:
            watch.tell(UNLOCKED)
        self._come.set()

    # -- who wants to know ---------------------------------------------------------------------------------------------

    @contextmanager
    def watch(self, level: str) -> Iterator[Watch]:
        """Tell of one level for as long as the block lasts."""
        watch = Watch(level)
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
                surprises.report(error)
            finally:
                self._telling = ()
                self._told.unpark_all()

    async def _tell_all(self) -> None:
        written, self._written = self._written, {}
        self._telling = written
        late, self._later = self._later, {}
        async with supervised() as tasks:  # some are told while the next ones are compared
            for levels in _batches(self._concerned(written, late)):
                differing = await self._compare([self._change(level, written, late.get(level)) for level in levels])
                tasks.run(self._tell, differing)

    def _concerned(self, written: Collection[str], late: Iterable[str]) -> set[str]:
        looked_at = self.mount.levels() if self.mount is not None else set()
        known = {*looked_at, *(watch.level for watch in self._watches)}
        return {level for level in known if not set(names.chain(level)).isdisjoint(written)} | known.intersection(late)

    def _change(self, level: str, written: dict[str, Version], late: Layers | None) -> Change:
        try:
            return Change(late or self._comparison.before(level, written), self._comparison.now(level))
        except EnvFSError:  # what it is made of cannot be read: it is not compared, and counts as changed
            steps = len(names.chain(level))
            nothing = Layers(level, (UNKNOWN.seq,) * steps, (UNKNOWN.digest,) * steps)
            return Change(nothing, nothing)

    async def _compare(self, changes: list[Change]) -> dict[str, Difference]:
        try:
            found = await self._comparison.differing(changes)
        except (Locked, KeyholderGone):
            self._later.update((change.now.level, change.before) for change in changes)
            return {}
        differing = {}
        for change, difference in zip(changes, found, strict=True):
            if any(difference):
                differing[change.now.level] = difference
            else:
                self._moments.carry(change.now.level, change.before.fingerprint, change.now.fingerprint)
        return differing

    async def _tell(self, differing: dict[str, Difference]) -> None:
        for watch in self._watches:
            if watch.level in differing:
                watch.tell(CHANGED)
        if self.mount is not None and differing:
            await self.mount.touch(differing)


def _batches(levels: Iterable[str]) -> Iterator[list[str]]:
    # of one project each: if that is locked, the others need not wait
    for _, found in groupby(sorted(levels, key=lambda level: (names.project(level), level)), key=names.project):
        of_project = list(found)
        for first in range(0, len(of_project), _AT_ONCE):
            yield of_project[first : first + _AT_ONCE]


def _touches(level: str, other: str) -> bool:
    return names.within(level, other) or names.within(other, level)

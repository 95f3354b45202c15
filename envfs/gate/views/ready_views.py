"""Finished views, kept ready until something below them changes.

A view that was read is made again right after a change, so that the next reader does not wait for it. One that nobody
read since it was made is not, until somebody asks. A reader who comes meanwhile waits for that one, once.
"""

import resource
import time
import weakref
from collections.abc import Callable, Collection, Hashable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import NamedTuple, TypeVar

import trio

from envfs.core import names
from envfs.core.access.face import PLAIN_FACE, Face
from envfs.core.access_request import Format
from envfs.core.addresses import SealedLayer
from envfs.core.scope import VAULT, Scope
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.gate.keyholder import Keyholder
from envfs.gate.views.view import ChainVersions, View
from envfs.gate.views.view_times import ViewTimes
from envfs.host import clocks
from envfs.host.memory import Region
from envfs.protocol.keyholding import Rendered, RenderOwn, RenderView
from envfs.vault.vault import LayerBlobs as Gathered
from envfs.vault.vault import Vault

K = TypeVar("K")
_READY_VIEWS, _DESCRIPTORS_EACH = 512, 8
_REPLACED_SECONDS = 1.0  # for readers between the look-up of a file and its open
_REPLACED_VIEWS, _REPLACED_BYTES = 16, 8 << 20
_RENEWED = 8  # views that are made again after one change: the others when they are asked for
_TIMES_WRITTEN = 4096
_PAST_VIEWS = 16  # views of old versions kept at once. They are asked for one after the other, if at all


class Views:
    """The views that are ready now."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Make views of `vault` by asking `keyholder`."""
        self._vault = vault
        self._keyholder = keyholder
        self._ready: dict[tuple[str, Face], View] = {}  # by level and face
        self._unread: set[tuple[str, Face]] = set()  # of those, what was made again and not read since
        self._renewals: dict[tuple[str, Face], trio.Event] = {}
        self._past: dict[tuple[str, Face, tuple[str, ...]], View] = {}
        self._replaced: dict[View, float] = {}  # and the moment at which each goes
        self.times = ViewTimes()
        self._times_written: dict[str, int] = {}  # of records, by digest
        self._locks = self._forgets = 0
        self._alive: weakref.WeakSet[View] = weakref.WeakSet()

    def warm(self, level: str, face: Face = PLAIN_FACE) -> View | None:
        """Return the view of a level if it is ready and nothing below it changed. Never waits."""
        view = self._ready.get((level, face))
        if view is None or view.fingerprint != self._vault.fingerprint(level):
            return None
        if self._unread:
            self._unread.discard((level, face))
        return view

    def count(self) -> int:
        """Return how many views are ready."""
        return len(self._ready)

    def newest(self, level: str, face: Face = PLAIN_FACE) -> View | None:
        """Return the view of a level that was made last, if it is there, whatever changed since."""
        return self._ready.get((level, face))

    async def get(self, level: str, face: Face = PLAIN_FACE) -> View:
        """Return the view of a level as it is now, making it if need be.

        Raises:
            NoSuchLevel: there is no such level any more, whatever its folder's holders still ask for
        """
        view = self.warm(level, face)
        if view is None and (level, face) in self._renewals:
            await self._renewals[level, face].wait()
            view = self.warm(level, face)
        while view is None:
            await self._make_newest(level, face)
            view = self.warm(level, face)
        return view

    async def renew(self, written: Collection[str]) -> None:
        """Make the views again that these levels are in, as far as they were read since they were made."""
        behind = [key for key in self._ready if not set(names.chain(key[0])).isdisjoint(written)]
        for level, face in [key for key in behind if key not in self._unread][-_RENEWED:]:
            with suppress(EnvFSError):  # the next reader is told
                await self._renew(level, face)

    async def _renew(self, level: str, face: Face) -> None:
        async with self._keyholder.turn():  # whoever waits for this waits for nobody else's turn
            view = self._ready.get((level, face))
            if view is None or view.fingerprint == self._vault.fingerprint(level):
                return
            renewal = self._renewals[level, face] = trio.Event()
            try:
                await self._make_newest(level, face)
                self._unread.add((level, face))
            finally:
                del self._renewals[level, face]
                renewal.set()

    async def _make_newest(self, level: str, face: Face) -> None:
        if not self._vault.exists(level):
            raise NoSuchLevel(f"there is no level {level}", "`envfs ls` lists the levels")
        layers = ChainVersions(level, self._vault.versions(level), self._vault.fingerprint(level))
        answer = await self._make(layers, layers.wanted(), _whole(face))
        old = self._ready.pop((level, face), None)
        self.times.date(answer, face, old)
        if old is not None:
            self._retire(old, answer)
        _keep(self._ready, (level, face), answer, _room())
        self._unread.intersection_update(self._ready)

    async def get_past(self, level: str, version: int, face: Face = PLAIN_FACE) -> View:
        """Return the view of a level as it was when `version` was written."""
        return await self._get_old(ChainVersions(level, *self._vault.chain_at(level, version)), face)

    async def get_at(self, level: str, moment: str, face: Face = PLAIN_FACE) -> View:
        """Return the view of a level at a moment (UTC as records have it): of each level what it had then."""
        return await self._get_old(ChainVersions(level, *self._vault.chain_at_moment(level, moment)), face)

    async def _get_old(self, layers: ChainVersions, face: Face) -> View:
        key = (layers.level, face, layers.fingerprint)
        if key not in self._past:
            answer = await self._make(layers, layers.wanted(), _whole(face))
            if key in self._past:  # somebody else made it meanwhile
                answer.release()
            else:
                _keep(self._past, key, answer, _PAST_VIEWS)
        return self._past[key]

    async def get_own(self, level: str, version: int = 0) -> View:
        """Return a level's own text to the letter, in the part DOTENV. Version 0 is now. Nothing of it is kept.

        Raises:
            NoSuchLevel: the level has no such version
        """
        if version:
            layers = ChainVersions(level, *self._vault.chain_at(level, version))
        else:
            layers = ChainVersions(level, self._vault.versions(level), self._vault.fingerprint(level))
        return await self._make(layers, [(level, layers.versions[-1])], RenderOwn)

    def replaced(self, shown: Format, content: Hashable) -> View | None:
        """Return a view that has this content in a format, if it was replaced just now."""
        self.expire()
        return next((view for view in reversed(self._replaced) if view.content(shown) == content), None)

    def expire(self) -> None:
        """Let go of the views that were replaced a while ago. Called once a second too."""
        now = time.monotonic()
        while self._replaced:
            view, until = next(iter(self._replaced.items()))
            if until > now and self._has_room_for_replaced():
                return
            del self._replaced[view]
            view.release()

    def _has_room_for_replaced(self) -> bool:
        count = len(self._replaced)
        return count <= 1 or (count <= _REPLACED_VIEWS and sum(view.size for view in self._replaced) <= _REPLACED_BYTES)

    def _retire(self, old: View, successor: View) -> None:
        if old.contents == successor.contents:
            old.release()
            return
        self._replaced[old] = time.monotonic() + _REPLACED_SECONDS
        self.expire()

    def lock(self, scope: Scope = VAULT) -> None:
        """Wipe every view that is alive, held or not, and has text of a scope."""
        self._locks += 1
        self._unread.clear()
        for view in list(self._alive):
            if scope.covers(view.level):
                view.lock()
        _drop(self._ready, scope)
        _drop(self._past, scope)
        self._drop_replaced(scope)

    def forget(self, level: str, versions: Collection[int]) -> None:
        """Wipe every view that is alive, held or not, and has a text that was forgotten.

        One that reads as the view of now does is spared: what it shows is not forgotten.
        """
        self._forgets += 1
        forgotten = {(level, version) for version in versions}
        contents = [(view.level, view.contents) for view in self._ready.values() if not view.texts & forgotten]
        for view in list(self._alive):
            if view.texts & forgotten and (view.level, view.contents) not in contents:
                view.forget()
        gone = {view for view in self._alive if view.texts & forgotten}
        _drop_views(self._ready, gone)
        _drop_views(self._past, gone)
        self._drop_replaced()

    def _drop_replaced(self, scope: Scope = VAULT) -> None:
        for view in [view for view in self._replaced if scope.covers(view.level)]:
            del self._replaced[view]
            view.release()

    def wipe(self) -> None:
        """Forget every view."""
        for view in (*self._ready.values(), *self._past.values()):
            view.release()
        self._ready.clear()
        self._unread.clear()
        self._past.clear()
        self._drop_replaced()

    async def _make(self, layers: ChainVersions, texts: list[tuple[str, int]], ask: "_Ask") -> View:
        async with self._keyholder.turn():  # first: many requests are not to be as many copies of records
            while True:
                forgets = self._forgets
                request = self._vault.layers(texts)
                region, shape = await self._rendered(request, ask)
                if forgets == self._forgets:
                    break
                region.close()  # a text may have been forgotten while this view was made: the vault knows
        self._vault.confirm(request)
        view = View(layers, self._changed_ns(layers, texts), region, shape)
        self._alive.add(view)
        return view

    async def _rendered(self, request: Gathered, ask: "_Ask") -> tuple[Region, Rendered]:
        while True:
            locks = self._locks
            try:
                region, shape = await self._render(ask(request.layers, False), request.blobs)
            except OSError:  # this process may map no more secret memory
                region, shape = await self._render(ask(request.layers, True), request.blobs)
            if locks == self._locks:
                return region, shape
            region.close()  # something was locked while this view was made: the keyholder knows whether it may be

    async def _render(self, request: NamedTuple, blobs: tuple[bytes, ...]) -> tuple[Region, Rendered]:
        answer = await self._keyholder.ask(request, Rendered, blobs)
        shape = answer.message
        return Region.received(answer.descriptors[0], sum(shape.sizes)), shape

    def _changed_ns(self, layers: ChainVersions, texts: list[tuple[str, int]]) -> int:
        digests = dict(zip(names.chain(layers.level), layers.fingerprint, strict=True))
        return max((self._written_ns(*text, digests[text[0]]) for text in texts if text[1]), default=0)

    def _written_ns(self, level: str, version: int, digest: str) -> int:
        written_ns = self._times_written.get(digest)
        if written_ns is None:
            written_ns = clocks.parse_nanoseconds(self._vault.header(level, version).time)
            if len(self._times_written) >= _TIMES_WRITTEN:
                self._times_written.clear()
            self._times_written[digest] = written_ns
        return written_ns


_Ask = Callable[[tuple[SealedLayer, ...], bool], NamedTuple]  # how the keyholder is asked. True: for ordinary memory


def _whole(face: Face) -> _Ask:
    dialect, masked, only = face
    return lambda layers, ordinary: RenderView(layers, dialect, ordinary, masked, only)


def _drop(among: dict[K, View], scope: Scope) -> None:
    _drop_views(among, {view for view in among.values() if scope.covers(view.level)})


def _drop_views(among: dict[K, View], views: AbstractSet[View]) -> None:
    for key in [key for key, view in among.items() if view in views]:
        among.pop(key).release()


def _keep(among: dict[K, View], key: K, view: View, most: int) -> None:
    while len(among) >= most:
        among.pop(next(iter(among))).release()
    among[key] = view


def _room() -> int:
    # a view holds a descriptor. Most of them are left for clients and files
    return max(1, min(_READY_VIEWS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _DESCRIPTORS_EACH))

"""Finished views, kept warm in secret memory until something below them changes.

Law: a view that is handed out stays whole until its last holder lets go, or until the vault is locked: then it is wiped
at once, and whoever still holds it is told so.
"""

import mmap
import weakref
from typing import NamedTuple, Protocol

from envfs.core import names
from envfs.errors import Locked
from envfs.host import clocks
from envfs.host.memory import Region
from envfs.protocol.keyholding import Rendered, RenderView
from envfs.vault.vault import Vault

_PAST_VIEWS = 16  # views of old versions kept at once; they are asked for one after the other, if at all


class Answer(NamedTuple):
    """What the keyholder answered: the message, its blobs, and the descriptors that came along."""

    message: object
    blobs: tuple[bytes, ...]
    descriptors: tuple[int, ...]


class Keyholder(Protocol):
    """How the gate asks the keyholder; raises the EnvFSError that the keyholder answers with."""

    async def ask(
        self, request: NamedTuple, blobs: tuple[bytes, ...] = (), descriptors: tuple[int, ...] = ()
    ) -> Answer:
        """Send one request and wait for its answer."""
        ...


class View:
    """One finished view. `versions` says of which versions of its chain it is made; `changed_ns` when it was."""

    def __init__(self, level: str, versions: tuple[int, ...], changed_ns: int, region: Region, shape: Rendered) -> None:
        """Take over `region`."""
        self.level = level
        self.versions = versions
        self.variables = shape.variables
        self.dotenv_bytes = shape.dotenv_bytes
        self.changed_ns = changed_ns
        self._region = region
        self._environ_end = shape.dotenv_bytes + shape.environ_bytes
        self._holders = 1
        self._locked = False

    @property
    def version(self) -> int:
        """The version of the level itself, 0 if it has no text."""
        return self.versions[-1]

    def read_into(self, target: memoryview, start: int, size: int) -> int:
        """Copy a piece of the dotenv text, as much as `target` holds, without a copy on the way; returns how much."""
        end = min(start + size, start + len(target), self.dotenv_bytes)
        if end <= start:
            return 0
        with memoryview(self._map()) as whole:
            target[: end - start] = whole[start:end]
        return end - start

    def dotenv(self) -> memoryview:
        """The whole dotenv text where it is; let go of it before the view."""
        return self._piece(0, self.dotenv_bytes)

    def environ(self) -> memoryview:
        """The variables as NAME=value, each ended by a NUL, where they are; let go of it before the view."""
        return self._piece(self.dotenv_bytes + 1, self._environ_end)

    def variable(self, name: str) -> memoryview | None:
        """One variable's value where it is, or None; let go of it before the view."""
        mark = b"\0" + name.encode() + b"="
        at = self._map().find(mark, self.dotenv_bytes, self._environ_end)
        if at < 0:
            return None
        start = at + len(mark)
        return self._piece(start, self._map().find(b"\0", start))

    def _piece(self, start: int, end: int) -> memoryview:
        return memoryview(self._map())[start:end]

    def origins(self) -> list[tuple[str, str]]:
        """List each variable's name and the level that sets it."""
        words = self._map()[self._environ_end :].decode().split("\0")[:-1]
        return list(zip(words[::2], words[1::2], strict=True))

    def hold(self) -> "View":
        """Keep the view whole for one more holder."""
        self._holders += 1
        return self

    def release(self) -> None:
        """Let go; the last one to do so wipes the view."""
        self._holders -= 1
        if self._holders == 0:
            self._region.close()

    def lock(self) -> None:
        """Wipe the view now, whoever holds it."""
        self._locked = True
        if self._holders > 0:  # else it was wiped when the last one let go
            self._region.wipe()

    def check(self) -> None:
        """Raise Locked if the view was wiped."""
        if self._locked:
            raise Locked("the vault was locked", "unlock it with `envfs unlock`, and open the file again")

    def _map(self) -> mmap.mmap:
        self.check()
        return self._region.map


class Views:
    """The views that are ready now."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Make views of `vault` by asking `keyholder`."""
        self._vault = vault
        self._keyholder = keyholder
        self._ready: dict[str, View] = {}
        self._past: dict[tuple[str, int], View] = {}
        self._locks = 0
        self._alive: weakref.WeakSet[View] = weakref.WeakSet()

    def warm(self, level: str) -> View | None:
        """Return the view of a level if it is ready and nothing below it changed. Never waits."""
        view = self._ready.get(level)
        if view is not None and view.versions == self._vault.versions(level):
            return view
        return None

    async def get(self, level: str) -> View:
        """Return the view of a level as it is now, making it if need be."""
        view = self.warm(level)
        while view is None:
            versions = self._vault.versions(level)
            made = await self._make(level, versions)
            self._drop(level)
            self._ready[level] = made
            view = self.warm(level)
        return view

    async def get_past(self, level: str, version: int) -> View:
        """Return the view of a level as it was when the level came to be at `version`."""
        view = self._past.get((level, version))
        if view is None:
            versions = self._vault.versions_at(level, version)
            view = await self._make(level, versions)
            self._keep_past(level, version, view)
        return view

    def lock(self) -> None:
        """Wipe every view that is alive, held or not."""
        self._locks += 1
        for view in list(self._alive):
            view.lock()
        self.wipe()

    def wipe(self) -> None:
        """Forget every view."""
        for level in list(self._ready):
            self._drop(level)
        for view in self._past.values():
            view.release()
        self._past.clear()

    def _keep_past(self, level: str, version: int, view: View) -> None:
        while len(self._past) >= _PAST_VIEWS:
            self._past.pop(next(iter(self._past))).release()
        old = self._past.pop((level, version), None)
        if old is not None:
            old.release()
        self._past[level, version] = view

    def _drop(self, level: str) -> None:
        old = self._ready.pop(level, None)
        if old is not None:
            old.release()

    async def _make(self, level: str, versions: tuple[int, ...]) -> View:
        wanted = list(zip(names.chain(level), versions, strict=True))
        layers = self._vault.layers(wanted)
        locks = self._locks
        answer = await self._keyholder.ask(RenderView(layers.layers), layers.blobs)
        shape = answer.message
        if not isinstance(shape, Rendered) or len(answer.descriptors) != 1:
            raise TypeError("the keyholder answered something else")
        size = shape.dotenv_bytes + shape.environ_bytes + shape.index_bytes
        self._vault.confirm(level for level, version in wanted if version)
        region = Region(answer.descriptors[0], size)
        if locks != self._locks:  # it was locked while this view was made
            region.close()
            raise Locked("the vault was locked", "unlock it with `envfs unlock`")
        view = View(level, versions, self._changed_ns(wanted), region, shape)
        self._alive.add(view)
        return view

    def _changed_ns(self, wanted: list[tuple[str, int]]) -> int:
        times = [clocks.nanoseconds(self._vault.header(level, version).time) for level, version in wanted if version]
        return max(times, default=0)

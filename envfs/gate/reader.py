"""Reading for a caller: a view, its names, its facts, a level's history. Each is decided, recorded, and then asked for.

Laws: the answer to a caller that may not know of a level is the same whether it exists or not; nothing is served before
its entry is in the access log.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.policy import Caller
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.gate.gate import Gate, Wish
from envfs.gate.keyholder import Keyholder
from envfs.gate.views.view import View
from envfs.protocol.answers import Compared, Examined, VersionChange
from envfs.protocol.keyholding import CompareVersions, ExamineView
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault

OWN = "own"  # the form that is not of the view: the level's own text
_COMPARED_AT_ONCE, _COMPARED_BYTES = 64, 2 << 20


class Version(NamedTuple):
    """One version of a level: the names that it changed, its author, and when it was written (RFC 3339, UTC)."""

    change: VersionChange
    time: str


class Damaged(NamedTuple):
    """A version whose record does not open: the record's key in the store, and why."""

    key: str
    error: EnvFSError


class Reader:
    """What callers may read of one vault; `owner` is the uid that may know of every level."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder, owner: int) -> None:
        """Decide by `gate`; ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder
        self._owner = owner

    def knows(self, caller: Caller, level: str) -> bool:
        """Tell whether a caller may know that a level exists."""
        is_owner = caller.uid == self._owner and not caller.unknown
        return is_owner or self._gate.sees(caller, level)

    def check(self, caller: Caller, wish: Wish) -> None:
        """Refuse what concerns a level that is not there for a caller.

        Raises:
            NotApproved: the caller may not know of it; that is on the log
            NoSuchLevel: there is no such level
        """
        if not self.knows(caller, wish.level):
            self._gate.refuse(caller, wish, "no grant")
        if not self._vault.exists(wish.level):
            raise NoSuchLevel(f"there is no level {wish.level}", "`envfs ls` lists the levels")

    async def view(self, caller: Caller, wish: Wish) -> View:
        """Return a view, held: the caller of this releases it. For the form `own` it has the level's own text.

        Raises:
            NotApproved: the caller may not have it; that is on the log
            AuditUnavailable: the log cannot be written
        """
        self.check(caller, wish)
        return await (self._gate.admit_own if wish.form == OWN else self._gate.admit)(caller, wish)

    async def names(self, caller: Caller, wish: Wish) -> list[tuple[str, str]]:
        """Return the names of a view, each with the level that sets it.

        Raises:
            NotApproved: the caller may not have them
        """
        view = await self.view(caller, wish)
        try:
            return view.origins()
        finally:
            view.release()

    async def facts(self, caller: Caller, wish: Wish, *, doubtful: bool = False) -> Examined:
        """Return what is known of a view beside its values; `doubtful`: of its doubtful variables alone.

        Raises:
            NotApproved: the caller may not have it
            Locked: the level's project is
        """
        self.check(caller, wish)
        self._gate.admit_facts(caller, wish)
        level, vault = wish.level, self._vault
        async with self._keyholder.turn():
            versions = vault.versions_at(level, wish.version) if wish.version else vault.versions(level)
            layers = vault.layers(list(zip(names.chain(level), versions, strict=True)))
            request = ExamineView(layers.layers, wish.dialect, doubtful)
            return (await self._keyholder.ask(request, Examined, layers.blobs)).message

    async def history(self, caller: Caller, wish: Wish, newest: int = 0) -> AsyncIterator[list[Version | Damaged]]:
        """Yield the versions of a level, the newest first, some at a time; the `newest` so many, 0 for all.

        Raises:
            NotApproved: the caller may not have it
            Locked: the level's project is
        """
        self.check(caller, wish)
        self._gate.admit_facts(caller, wish)
        head = self._vault.head(wish.level)
        last = head.seq if head else 0
        oldest = max(1, last - newest + 1) if newest else 1
        while last >= oldest:
            some = await self._versions(wish.level, oldest, last)
            yield some
            last -= max(1, len(some))

    async def _versions(self, level: str, oldest: int, last: int) -> list[Version | Damaged]:
        with contextlib.suppress(*DAMAGED):
            return [*await self._compared(level, oldest, last)]
        first = max(oldest, last - _COMPARED_AT_ONCE + 1)
        return [await self._version(level, version) for version in range(last, first - 1, -1)]

    async def _version(self, level: str, version: int) -> Version | Damaged:
        try:
            return (await self._compared(level, version, version))[0]
        except DAMAGED as error:
            return Damaged(record.key(record.level_stream(level), version), error)

    async def _compared(self, level: str, oldest: int, last: int) -> list[Version]:
        # as many versions as are bounded in number and in bytes, the newest first; the turn ends before they are sent
        async with self._keyholder.turn():
            first = self._first(level, oldest, last)
            layers = self._vault.layers([(level, version) for version in range(max(1, first - 1), last + 1)])
            answer = await self._keyholder.ask(CompareVersions(layers.layers), Compared, layers.blobs)
            times = {
                each.record.seq: record.parse_header(layers.blobs[each.record_blob]).time for each in layers.layers
            }
        return [Version(change, times[change.version]) for change in reversed(answer.message.versions)]

    def _first(self, level: str, oldest: int, last: int) -> int:
        stream, size, first = record.level_stream(level), 0, last
        while first > oldest and last - first + 1 < _COMPARED_AT_ONCE:
            size += len(self._vault.read(stream, first) or b"")
            if size > _COMPARED_BYTES:
                break
            first -= 1
        return first

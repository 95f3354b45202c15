"""Reading for a caller: a view, its names, its facts, a level's history. Each is decided, recorded, and then asked for.

Laws: the answer to a caller that may not know of a level is the same whether it exists or not. Nothing is served before
its entry is in the access log. A version's message is for the owner alone.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from envfs.core import names, record
from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access_request import AccessRequest, Format
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.gate.approvals.board import Patience
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.shown_names import hiding_names, names_alone, shown_change, shown_facts
from envfs.gate.tombstones import checked_tombstones
from envfs.gate.views.view import View
from envfs.protocol.answers import Compared, Examined, VersionChange
from envfs.protocol.keyholding import CompareVersions, ExamineView
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault

_COMPARED_AT_ONCE, _COMPARED_BYTES = 64, 2 << 20
_FORGOTTEN = "forgotten"  # in the place of an operation


class Version(NamedTuple):
    """One version of a level: what its record tells of it, and when it was written (UTC; empty: it was forgotten)."""

    change: VersionChange
    time: str


class Damaged(NamedTuple):
    """A version whose record does not open: the record's key in the store, and why."""

    key: str
    error: EnvFSError


class Reader:
    """The readable part of one vault, for callers. `owner` is the uid that may know of every level."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder, owner: int) -> None:
        """Decide by `gate`. Ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder
        self._owner = owner

    def knows(self, caller: Caller, level: str) -> bool:
        """Tell whether a caller may know that a level exists."""
        return caller.is_user(self._owner) or self._gate.sees(caller, level)

    def check(self, caller: Caller, access: AccessRequest) -> None:
        """Refuse what concerns a level that is not there for a caller.

        Raises:
            NotApproved: the caller may not know of it. That is on the log
            NoSuchLevel: there is no such level
        """
        if not self.knows(caller, access.level):
            self._gate.refuse(caller, access, "no grant")
        is_past = access.format is Format.HISTORY and self._vault.head(access.level) is not None
        if not is_past and not self._vault.exists(access.level):  # the versions of a level that was removed are there
            raise NoSuchLevel(f"there is no level {access.level}", "`envfs ls` lists the levels")

    async def view(self, caller: Caller, access: AccessRequest, patience: Patience | None = None) -> View:
        """Return a view, held: the caller of this releases it. For the format OWN it has the level's own text.

        Where a person decides, a caller with `patience` waits for the answer. It never gets a level's own text by that.

        Raises:
            NotApproved: the caller may not have it. That is on the log
            TimedOut, NobodyToAsk: a person had to say yes, and did not. That is on the log
            AuditUnavailable: the log cannot be written
            CallerLeft: the caller waits no more
        """
        self.check(caller, access)
        if access.format is Format.OWN:
            return await self._gate.admit_own(caller, access)
        return await self._gate.admit(caller, access, patience)

    async def names(self, caller: Caller, access: AccessRequest) -> list[tuple[str, str]]:
        """Return the names of a view, each with the level that sets it.

        Raises:
            NotApproved: the caller may not have them
        """
        view = await self.view(
            caller, access._replace(face=self._gate.face(caller, access.level, capability=access.capability))
        )
        try:
            return view.origins()
        finally:
            view.release()

    async def facts(self, caller: Caller, access: AccessRequest, *, doubtful: bool = False) -> Examined:
        """Return what is known of a view beside its values. `doubtful`: of its doubtful variables alone.

        Raises:
            NotApproved: the caller may not have it
            NoSuchLevel: the level has no such version
            Locked: the level's project is
        """
        self.check(caller, access)
        face = self._gate.admit_facts(caller, access, lambda: self._layer_versions(access))
        with hiding_names(face, access.level):
            return await self._facts(caller, access, face, doubtful=doubtful)

    async def _facts(self, caller: Caller, access: AccessRequest, face: Face, *, doubtful: bool) -> Examined:
        vault = self._vault
        async with self._keyholder.turn():
            layers = vault.layers(list(zip(names.chain(access.level), self._layer_versions(access), strict=True)))
            request = ExamineView(layers.layers, access.face.dialect, doubtful)
            examined = (await self._keyholder.ask(request, Examined, layers.blobs)).message
        verdict = self._gate.decide(caller, access.level)
        if not verdict.is_served or verdict.face.only != face.only:
            examined = names_alone(examined)
        return shown_facts(examined, face) if face.only else examined

    def _layer_versions(self, access: AccessRequest) -> tuple[int, ...]:
        level, version = access.level, access.version
        return self._vault.versions_at(level, version) if version else self._vault.versions(level)

    async def history(
        self, caller: Caller, access: AccessRequest, newest: int = 0
    ) -> AsyncIterator[list[Version | Damaged]]:
        """Yield the versions of a level, the newest first, some at a time. The `newest` so many, 0 for all.

        Raises:
            NotApproved: the caller may not have it
            Locked: the level's project is
        """
        self.check(caller, access)
        face = self._gate.admit_facts(caller, access)
        head = self._vault.head(access.level)
        last = head.seq if head else 0
        oldest = max(1, last - newest + 1) if newest else 1
        forgotten = await self._forgotten(access.level)
        while last >= oldest:
            some = await self._versions(access.level, range(oldest, last + 1), forgotten)
            yield [_shown(version_row, face, has_message=caller.is_user(self._owner)) for version_row in some]
            last -= max(1, len(some))

    async def _forgotten(self, level: str) -> frozenset[int]:
        stream = record.level_stream(level)
        named = await checked_tombstones(self._vault, self._keyholder, stream)
        return frozenset(seq for seq in named if self._vault.read(stream, seq) == b"")

    async def _versions(self, level: str, versions: range, forgotten: frozenset[int]) -> list[Version | Damaged]:
        # of the last of these versions, down to the next one that was forgotten at most
        last = versions[-1]
        if last in forgotten:
            return [Version(VersionChange(last, "", (), (), (), _FORGOTTEN), "")]
        oldest = max((seq + 1 for seq in forgotten if seq < last), default=versions[0])
        oldest = max(oldest, versions[0])
        with contextlib.suppress(*DAMAGED):
            return [*await self._compared(level, range(oldest, last + 1), forgotten)]
        first = max(oldest, last - _COMPARED_AT_ONCE + 1)
        return [await self._version(level, version, forgotten) for version in range(last, first - 1, -1)]

    async def _version(self, level: str, version: int, forgotten: frozenset[int]) -> Version | Damaged:
        try:
            return (await self._compared(level, range(version, version + 1), forgotten))[0]
        except DAMAGED as error:
            return Damaged(record.record_key(record.level_stream(level), version), error)

    async def _compared(self, level: str, versions: range, forgotten: frozenset[int]) -> list[Version]:
        # as many versions as are bounded in number and in bytes, the newest first. The turn ends before they are sent
        async with self._keyholder.turn():
            first = self._first(level, versions[0], versions[-1])
            previous = next((seq for seq in range(first - 1, 0, -1) if seq not in forgotten), 0)
            layers = self._vault.layers([(level, version) for version in (previous, *range(first, versions[-1] + 1))])
            answer = await self._keyholder.ask(CompareVersions(layers.layers, first), Compared, layers.blobs)
            times = {
                layer.record.seq: record.parse_header(layers.blobs[layer.record_blob]).time for layer in layers.layers
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


def _shown(version: Version | Damaged, face: Face, *, has_message: bool) -> Version | Damaged:
    match version:
        case Version(change, time):
            change = shown_change(change, face)
            return Version(change if has_message else change._replace(message=""), time)
        case _:
            return version

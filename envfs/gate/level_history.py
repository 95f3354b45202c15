"""The versions of one level, compared each with the one before, some at a time.

Law: nothing is decided here. `gate.reader` decides, and leaves out what a caller may not have.
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import NamedTuple

from envfs.core import record
from envfs.errors import EnvFSError
from envfs.gate.keyholder import Keyholder
from envfs.gate.tombstones import checked_tombstones
from envfs.protocol.answers import Compared, VersionChange
from envfs.protocol.keyholding import CompareVersions
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault

_COMPARED_AT_ONCE, _COMPARED_BYTES = 64, 10 << 20
_FORGOTTEN = "forgotten"  # in the place of an operation


class Version(NamedTuple):
    """One version of a level: what its record tells of it, and when it was written (UTC; empty: it was forgotten).

    `has_names` is false where the names of its change were left out.
    """

    change: VersionChange
    time: str
    has_names: bool = True


class Damaged(NamedTuple):
    """A version whose record does not open: the record's key in the store, and why."""

    key: str
    error: EnvFSError


class LevelHistory:
    """The histories of the levels of one vault."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Ask `keyholder` about what `vault` holds."""
        self._vault = vault
        self._keyholder = keyholder

    async def versions(self, level: str, last: int, oldest: int = 1) -> AsyncGenerator[list[Version | Damaged], None]:
        """Yield the versions from `last` down to `oldest`, some at a time.

        Raises:
            Locked: the level's project is
        """
        forgotten = await self._forgotten(level)
        while last >= oldest:
            some = await self._versions(level, range(oldest, last + 1), forgotten)
            yield some
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

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
from envfs.host.supervision import supervised_nursery
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
            spans = self._spans(level, range(oldest, last + 1), forgotten)
            for some in await self._compared_at_once(level, spans, forgotten):
                yield some
            last = spans[-1][0] - 1

    def _spans(self, level: str, versions: range, forgotten: frozenset[int]) -> list[range]:
        # one or two stretches from the last of the versions down, each of as many as are compared in one request
        spans = [self._span(level, versions, forgotten)]
        below = range(versions[0], spans[0][0])
        return [*spans, self._span(level, below, forgotten)] if below else spans

    def _span(self, level: str, versions: range, forgotten: frozenset[int]) -> range:
        # down to the next one that was forgotten at most
        last = versions[-1]
        if last in forgotten:
            return range(last, last + 1)
        oldest = max((seq + 1 for seq in forgotten if seq < last), default=versions[0])
        return range(self._first(level, max(oldest, versions[0]), last), last + 1)

    async def _compared_at_once(
        self, level: str, spans: list[range], forgotten: frozenset[int]
    ) -> list[list[Version | Damaged]]:
        # two requests are answered in the time of one, where there are two processors
        answers: dict[range, list[Version | Damaged] | EnvFSError] = {}

        async def answer(span: range) -> None:
            try:
                answers[span] = await self._versions(level, span, forgotten)
            except EnvFSError as error:
                answers[span] = error

        async with supervised_nursery() as tasks:
            for span in spans[1:]:
                tasks.run(answer, span)
            await answer(spans[0])
        return [_answered(answers[span]) for span in spans]

    async def _forgotten(self, level: str) -> frozenset[int]:
        stream = record.level_stream(level)
        named = await checked_tombstones(self._vault, self._keyholder, stream)
        return frozenset(seq for seq in named if self._vault.read(stream, seq) == b"")

    async def _versions(self, level: str, span: range, forgotten: frozenset[int]) -> list[Version | Damaged]:
        if span[-1] in forgotten:
            return [Version(VersionChange(span[-1], "", (), (), (), _FORGOTTEN), "")]
        with contextlib.suppress(*DAMAGED):
            return [*await self._compared(level, span, forgotten)]
        return [await self._version(level, version, forgotten) for version in reversed(span)]

    async def _version(self, level: str, version: int, forgotten: frozenset[int]) -> Version | Damaged:
        try:
            return (await self._compared(level, range(version, version + 1), forgotten))[0]
        except DAMAGED as error:
            return Damaged(record.record_key(record.level_stream(level), version), error)

    async def _compared(self, level: str, span: range, forgotten: frozenset[int]) -> list[Version]:
        # the newest first. The turn ends before they are sent
        async with self._keyholder.turn():
            previous = next((seq for seq in range(span[0] - 1, 0, -1) if seq not in forgotten), 0)
            layers = self._vault.layers([(level, version) for version in (previous, *span)])
            answer = await self._keyholder.ask(CompareVersions(layers.layers, span[0]), Compared, layers.blobs)
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


def _answered(answer: list[Version | Damaged] | EnvFSError) -> list[Version | Damaged]:
    if isinstance(answer, EnvFSError):
        raise answer
    return answer

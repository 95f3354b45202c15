"""The names in which two versions of a level differ, or the views of two levels.

Laws: a comparison of values is for callers that may have them all, and is on the log as `compare` for both sides. With
`history` and `names` alone a caller learns of two versions what their history shows, and no more: that a name was
written between them, and not that its value is the same again. Of two levels such a caller learns nothing.
"""

import contextlib
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Format
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.level_history import Damaged, LevelHistory
from envfs.gate.version_changes import HistoryFace
from envfs.protocol.answers import ChangedNames, VersionChange
from envfs.protocol.keyholding import CompareTexts
from envfs.vault.vault import Vault

_Layers = list[tuple[str, int]]  # levels and versions


class TextPair(NamedTuple):
    """The two sides of a comparison as requests, each with its version. `own`: own texts, and not views."""

    before: AccessRequest
    now: AccessRequest
    own: bool


class NameDifferences(NamedTuple):
    """The names that differ. `is_exact` is false where those of `changed` may have the same value again."""

    names: ChangedNames
    is_exact: bool = True


class LevelDifferences:
    """Comparisons of the levels of one vault, for callers."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder) -> None:
        """Decide by `gate`. Ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder
        self._history = LevelHistory(vault, keyholder)

    async def between(self, caller: Caller, pair: TextPair, *, hides_changed: bool = False) -> NameDifferences:
        """Return the names in which two texts differ. `hides_changed`: as for a history.

        Raises:
            NotApproved: the caller may not know. That is on the log
            NoSuchLevel: there is no such version
            Locked: a project is
        """
        level = pair.now.level
        if pair.before.level == level and pair.own and not self._gate.decide(caller, level).has_values:
            return await self._by_history(caller, pair, has_changed=not hides_changed)
        sides = [
            (side._replace(format=Format.COMPARE), partial(self._layers, side, own=pair.own))
            for side in (pair.before, pair.now)
        ]
        self._gate.admit_all_facts(caller, sides)
        return NameDifferences(await self._compared(pair))

    async def _compared(self, pair: TextPair) -> ChangedNames:
        async with self._keyholder.turn():
            before, now = (self._layers(side, own=pair.own) for side in (pair.before, pair.now))
            gathered = self._vault.layers([*before, *now])
            split = len(before)
            request = CompareTexts(gathered.layers[:split], gathered.layers[split:], pair.own)
            return (await self._keyholder.ask(request, ChangedNames, gathered.blobs)).message

    def _layers(self, side: AccessRequest, *, own: bool) -> _Layers:
        level, version = side.level, side.version
        if own:
            newest = self._vault.versions(level)[-1]
            if version:
                self._vault.header(level, version)
            pairs: Iterable[tuple[str, int]] = [(level, version or newest)]
        elif side.moment:
            pairs = zip(names.chain(level), self._vault.chain_at_moment(level, side.moment).versions, strict=True)
        else:
            versions = self._vault.versions_at(level, version) if version else self._vault.versions(level)
            pairs = zip(names.chain(level), versions, strict=True)
        return [pair for pair in pairs if pair[1]]

    async def _by_history(self, caller: Caller, pair: TextPair, *, has_changed: bool) -> NameDifferences:
        level, sides = pair.now.level, (pair.before, pair.now)
        asked = [(side._replace(format=Format.HISTORY), partial(self._layers, side, own=True)) for side in sides]
        named = self._gate.decide(caller, level, Capability.NAMES)
        if not named.is_served:
            self._gate.refuse(caller, pair.now._replace(format=Format.NAMES), named.rule)
        faces = self._gate.admit_all_facts(caller, asked)
        ends = [sum(version for _, version in self._layers(side, own=True)) for side in sides]
        shown = HistoryFace((*faces, named.face), has_values=False, has_messages=False, has_changed=has_changed)
        low, high = sorted(ends)
        changes = [shown.shown(change) for change in await self._changes(level, low + 1, high)]
        return NameDifferences(sum_of_changes(changes, is_reversed=ends[0] > ends[1]), is_exact=False)

    async def _changes(self, level: str, first: int, last: int) -> list[VersionChange]:
        changes: list[VersionChange] = []
        async with contextlib.aclosing(self._history.versions(level, last, first)) as listed:
            async for some in listed:
                for version in some:
                    if isinstance(version, Damaged):
                        raise version.error
                    changes.append(version.change)
        return changes[::-1]


def sum_of_changes(changes: Iterable[VersionChange], *, is_reversed: bool = False) -> ChangedNames:
    """Return what changes of successive versions come to, the oldest first. `is_reversed`: on the way back.

    A name that was there at both ends, and was written between them, is a changed one.
    """
    was: dict[str, bool] = {}
    now: dict[str, bool] = {}
    for change in changes:
        for group, was_there, is_there in (
            (change.added, False, True),
            (change.changed, True, True),
            (change.removed, True, False),
        ):
            for name in group:
                was.setdefault(name, was_there)
                now[name] = is_there
    added = tuple(name for name in now if now[name] and not was[name])
    removed = tuple(name for name in now if was[name] and not now[name])
    changed = tuple(name for name in now if was[name] and now[name])
    return ChangedNames(removed, changed, added) if is_reversed else ChangedNames(added, changed, removed)

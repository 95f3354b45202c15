"""Since which version of a level a variable has the value that it has now.

Laws: no value is answered, and none leaves the keyholder. The search looks at few of many versions. So a value that was
replaced and put back between two looks counts from the first time, and never as younger than it is. A variable goes on
under the names that it had before, as far as the caller may know that they are one.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from envfs.core import record
from envfs.gate.keyholder import Keyholder
from envfs.gate.tombstones import checked_tombstones
from envfs.protocol.keyholding import Compared, CompareVersions, Matched, MatchValues, VersionChange
from envfs.vault.vault import Vault

_PROBES, _BYTES_AT_ONCE, _NAMES_BYTES = 16, 2 << 20, 4 << 20
_RENAME, _SAME, _ABSENT = "rename", "=", "-"
Item = TypeVar("Item")


class ValueAge(NamedTuple):
    """The version that set a value. Without `exact`, versions before it were forgotten, and it may be older."""

    version: int
    exact: bool


class _Trail(NamedTuple):
    """A variable on its way back: its name now, and the one that it has in the versions that are looked at."""

    name: str
    older_name: str


class _Group(NamedTuple):
    """Variables of which the same is known. `same` and `other` are places in the list of versions that are there.

    At `other` none of them has its value of now, and with `is_absent` none is set. Before the first place nothing is.
    """

    trails: tuple[_Trail, ...]
    same: int
    other: int = -1
    is_absent: bool = True

    def learned(self, place: int, sign: str) -> "_Group":
        """Return what is known after a look at one place."""
        if not self.other < place < self.same:
            return self
        if sign == _SAME:
            return self._replace(same=place)
        return self._replace(other=place, is_absent=sign == _ABSENT)


class ValueAges:
    """The ages of the values of one vault."""

    def __init__(self, vault: Vault, keyholder: Keyholder) -> None:
        """Ask `keyholder` about what `vault` holds."""
        self._vault = vault
        self._keyholder = keyholder

    async def ages(self, level: str, names: tuple[str, ...], *, by_value: bool) -> dict[str, ValueAge]:
        """Return the age of variables that a level's newest version sets. `by_value`: renamings may be told by values.

        Raises:
            Locked: the level's project is
        """
        versions, ages = await self.versions(level), dict[str, ValueAge]()
        for some in _in_pieces(names, [2 * len(name) for name in names], _NAMES_BYTES):
            open_groups = [_Group(tuple(_Trail(name, name) for name in some), len(versions) - 1)]
            while open_groups:
                groups = await self._narrowed(level, versions, open_groups)
                ages |= {trail.name: _age(versions, group) for group in groups for trail in group.trails}
                open_groups = await self._renamed(level, versions, groups, by_value=by_value)
        return ages

    async def versions(self, level: str) -> list[int]:
        """Return the numbers of a level's versions that were not forgotten, in order."""
        head = self._vault.head(level)
        stream = record.level_stream(level)
        named = await checked_tombstones(self._vault, self._keyholder, stream)
        forgotten = {seq for seq in named if self._vault.read(stream, seq) == b""}
        return [seq for seq in range(1, head.seq + 1) if seq not in forgotten] if head else []

    async def _narrowed(self, level: str, versions: list[int], groups: list[_Group]) -> list[_Group]:
        stream = record.level_stream(level)
        while places := _probes(groups):
            sizes = [len(self._vault.read(stream, versions[place]) or b"") for place in places]
            # the newest first, so that of several changes the last one that is seen counts
            for some in _in_pieces(tuple(places), sizes, _BYTES_AT_ONCE):
                groups = _divided(groups, some, await self._signs(level, versions, some, groups))
        return groups

    async def _signs(
        self, level: str, versions: list[int], places: tuple[int, ...], groups: list[_Group]
    ) -> tuple[str, ...]:
        trails = [trail for group in groups for trail in group.trails]
        names, older_names = tuple(trail.name for trail in trails), tuple(trail.older_name for trail in trails)
        async with self._keyholder.turn():
            texts = [(level, versions[-1]), *((level, versions[place]) for place in places)]
            layers = self._vault.layers(texts)
            request = MatchValues(layers.layers[0], layers.layers[1:], names, older_names)
            return (await self._keyholder.ask(request, Matched, layers.blobs)).message.signs

    async def _renamed(self, level: str, versions: list[int], groups: list[_Group], *, by_value: bool) -> list[_Group]:
        # those that go on under an earlier name
        going_on = []
        for group in groups:
            if group.other >= 0 and group.is_absent:
                change = await self._change(level, versions[group.other], versions[group.same])
                is_told = by_value or change.operation == _RENAME
                older_names = {pair.now: pair.before for pair in change.renamed if is_told}
                trails = [trail for trail in group.trails if trail.older_name in older_names]
                earlier = tuple(trail._replace(older_name=older_names[trail.older_name]) for trail in trails)
                going_on += [_Group(earlier, group.other)] if earlier else []
        return going_on

    async def _change(self, level: str, before: int, version: int) -> VersionChange:
        async with self._keyholder.turn():
            layers = self._vault.layers([(level, before), (level, version)])
            request = CompareVersions(layers.layers, version)
            return (await self._keyholder.ask(request, Compared, layers.blobs)).message.versions[0]


def _divided(groups: list[_Group], places: tuple[int, ...], signs: tuple[str, ...]) -> list[_Group]:
    # by what the places say of each variable: most of them say the same of all
    divided: dict[_Group, list[_Trail]] = {}
    first = 0
    for group in groups:
        end = first + len(group.trails)
        of_column: dict[tuple[str, ...], list[_Trail]] = {}
        for trail, column in zip(group.trails, zip(*(text[first:end] for text in signs), strict=True), strict=True):
            of_column.setdefault(column, []).append(trail)
        for column, trails in of_column.items():
            part = group._replace(trails=())
            for place, sign in zip(places, column, strict=True):
                part = part.learned(place, sign)
            divided.setdefault(part, []).extend(trails)
        first = end
    return [group._replace(trails=tuple(trails)) for group, trails in divided.items()]


def _in_pieces(items: tuple[Item, ...], sizes: list[int], most: int) -> Iterator[tuple[Item, ...]]:
    # as many as are bounded in size, one at least
    first = size = 0
    for number, own in enumerate(sizes):
        if number > first and size + own > most:
            yield items[first:number]
            first, size = number, 0
        size += own
    yield items[first:]


def _probes(groups: list[_Group]) -> list[int]:
    # the more of them a stretch gets, the fewer rounds it takes
    stretches = {(group.other, group.same) for group in groups if group.same - group.other > 1}
    count = max(1, _PROBES // max(1, len(stretches)))
    places = set()
    for other, same in stretches:
        parts = min(count + 1, same - other)
        places |= {other + (same - other) * part // parts for part in range(1, parts)}
    return sorted(places, reverse=True)


def _age(versions: list[int], group: _Group) -> ValueAge:
    previous = versions[group.other] if group.other >= 0 else 0
    return ValueAge(versions[group.same], versions[group.same] == previous + 1)

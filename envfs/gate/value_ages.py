"""Since which version of a level a variable has the value that it has now.

Laws: no value is answered, and none leaves the keyholder. The search looks at few of many versions. So a value that was
replaced and put back between two looks counts from the first time, and never as younger than it is. A variable goes on
under the names that it had before, as far as the caller may know that they are one.
"""

from typing import NamedTuple

from envfs.core import record
from envfs.gate.keyholder import Keyholder
from envfs.gate.tombstones import checked_tombstones
from envfs.protocol.keyholding import Compared, CompareVersions, Matched, MatchValues
from envfs.vault.vault import Vault

_PROBES, _BYTES_AT_ONCE = 16, 2 << 20
_RENAME = "rename"


class ValueAge(NamedTuple):
    """The version that set a value. Without `exact`, versions before it were forgotten, and it may be older."""

    version: int
    exact: bool


class _Search:
    """The search for one variable. `same` and `other` are places in the list of versions that are there."""

    def __init__(self, name: str, newest: int) -> None:
        self.name = name
        self.older_name = name
        self.same = newest
        self.other = -1  # before the first one, nothing is set
        self.is_absent = True  # at `other`

    def learn(self, place: int, sign: str) -> None:
        if not self.other < place < self.same:
            return
        if sign == "=":
            self.same = place
        else:
            self.other, self.is_absent = place, sign == "-"

    def go_on(self, older_name: str) -> None:
        # in the versions before the one that renamed it
        self.older_name, self.same, self.other, self.is_absent = older_name, self.other, -1, True


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
        versions = await self.versions(level)
        searches = [_Search(name, len(versions) - 1) for name in names]
        open_ones = searches
        while open_ones:
            await self._halve(level, versions, open_ones)
            open_ones = await self._renamed(level, versions, open_ones, by_value=by_value)
        return {search.name: _age(versions, search) for search in searches}

    async def versions(self, level: str) -> list[int]:
        """Return the numbers of a level's versions that were not forgotten, in order."""
        head = self._vault.head(level)
        stream = record.level_stream(level)
        named = await checked_tombstones(self._vault, self._keyholder, stream)
        forgotten = {seq for seq in named if self._vault.read(stream, seq) == b""}
        return [seq for seq in range(1, head.seq + 1) if seq not in forgotten] if head else []

    async def _halve(self, level: str, versions: list[int], searches: list[_Search]) -> None:
        while places := _probes(searches):
            # the newest first, so that of several changes the last one that is seen counts
            for some in self._in_pieces(level, versions, places):
                signs = await self._signs(level, versions, some, searches)
                for place, of_place in zip(some, signs, strict=True):
                    for search, sign in zip(searches, of_place, strict=True):
                        search.learn(place, sign)

    async def _signs(
        self, level: str, versions: list[int], places: list[int], searches: list[_Search]
    ) -> tuple[str, ...]:
        async with self._keyholder.turn():
            newest, *others = (versions[-1], *(versions[place] for place in places))
            layers = self._vault.layers([(level, version) for version in (newest, *others)])
            request = MatchValues(
                layers.layers[0],
                layers.layers[1:],
                tuple(search.name for search in searches),
                tuple(search.older_name for search in searches),
            )
            return (await self._keyholder.ask(request, Matched, layers.blobs)).message.signs

    def _in_pieces(self, level: str, versions: list[int], places: list[int]) -> list[list[int]]:
        pieces: list[list[int]] = [[]]
        size = 0
        for place in places:
            size += len(self._vault.read(record.level_stream(level), versions[place]) or b"")
            if pieces[-1] and size > _BYTES_AT_ONCE:
                pieces.append([])
                size = 0
            pieces[-1].append(place)
        return pieces

    async def _renamed(
        self, level: str, versions: list[int], searches: list[_Search], *, by_value: bool
    ) -> list[_Search]:
        # those that go on under an earlier name
        going_on = []
        for search in searches:
            if search.other < 0 or not search.is_absent:
                continue
            now = versions[search.same]
            async with self._keyholder.turn():
                layers = self._vault.layers([(level, versions[search.other]), (level, now)])
                request = CompareVersions(layers.layers, now)
                changes = (await self._keyholder.ask(request, Compared, layers.blobs)).message.versions
            for change in changes:
                for pair in change.renamed:
                    if pair.now == search.older_name and (by_value or change.operation == _RENAME):
                        search.go_on(pair.before)
                        going_on.append(search)
                        break
        return going_on


def _probes(searches: list[_Search]) -> list[int]:
    # the more of them a stretch gets, the fewer rounds it takes
    stretches = {(search.other, search.same) for search in searches if search.same - search.other > 1}
    count = max(1, _PROBES // max(1, len(stretches)))
    places = set()
    for other, same in stretches:
        parts = min(count + 1, same - other)
        places |= {other + (same - other) * part // parts for part in range(1, parts)}
    return sorted(places, reverse=True)


def _age(versions: list[int], search: _Search) -> ValueAge:
    previous = versions[search.other] if search.other >= 0 else 0
    return ValueAge(versions[search.same], versions[search.same] == previous + 1)

"""Searching for variables, and for values, in the levels that a caller may see.

Laws: a name takes the right to names, and a value the right to all values, at each level by itself. A level that is
searched is in the access log. Of one that the caller may not have, nothing is said.
"""

from collections.abc import AsyncGenerator
from itertools import groupby
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.finding import FindingKind
from envfs.errors import EnvFSError, Locked
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.variable_traces import SeenView
from envfs.protocol.keyholding import FindCarriers, Found, Hit, SearchTexts, TracedView
from envfs.vault.damage import DAMAGED
from envfs.vault.streams import Head
from envfs.vault.vault import Vault

_AT_ONCE, _BYTES_AT_ONCE = 64, 2 << 20


class Query(NamedTuple):
    """Variables whose name fits a pattern, at a level and below it. `value` is the descriptor of one, if it counts.

    With `like`, those that have the value which a variable has in a view. The pattern is not looked at then.
    """

    pattern: str
    level: str
    value: tuple[int, ...] = ()
    trim: bool = False
    like: "LikeVariable | None" = None

    @property
    def by_value(self) -> bool:
        """Tell whether values are compared."""
        return bool(self.value) or self.like is not None


class LikeVariable(NamedTuple):
    """A variable in a view."""

    name: str
    view: SeenView


class Location(NamedTuple):
    """A variable that was found, or with an `error` a level that could not be searched."""

    level: str
    version: int = 0
    name: str = ""
    kind: FindingKind = FindingKind.SET
    error: EnvFSError | None = None


class _Admitted(NamedTuple):
    level: str
    head: Head
    face: Face


class Search:
    """The texts of one vault, for callers."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder) -> None:
        """Decide by `gate`. Ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder

    async def find(self, caller: Caller, query: Query) -> AsyncGenerator[list[Location], None]:
        """Yield the locations, some levels at a time.

        Raises:
            AuditUnavailable: the log cannot be written
            Locked: the vault is
            Malformed: the value is none
        """
        levels = [level for level in self._vault.levels() if names.within(level, query.level)]
        for _, of_project in groupby(levels, key=names.project):
            some: list[_Admitted] = []
            for level in of_project:
                try:
                    some += self._admitted(caller, query, level)
                except DAMAGED as error:
                    yield [Location(level, error=error)]
                if len(some) == _AT_ONCE or sum(len(each.head.data) for each in some) > _BYTES_AT_ONCE:
                    yield await self._found(query, some)
                    some = []
            if some:
                yield await self._found(query, some)

    def _admitted(self, caller: Caller, query: Query, level: str) -> list[_Admitted]:
        verdict = self._gate.decide(caller, level, Capability.READ if query.by_value else Capability.NAMES)
        if not verdict.is_served or (query.by_value and not verdict.face.is_whole):
            return []
        head = self._vault.head(level)
        if head is None:
            return []
        access = AccessRequest(level, Channel.SOCKET, Format.COMPARE if query.by_value else Format.NAMES)
        return [_Admitted(level, head, self._gate.admit_facts(caller, access))]

    async def _found(self, query: Query, levels: list[_Admitted]) -> list[Location]:
        try:
            hits = await self._hits(query, levels)
        except Locked as error:
            if not error.about:
                raise  # the vault is: the caller may be able to open it
            return [Location(levels[0].level, error=error)]
        except DAMAGED as error:
            if len(levels) == 1:
                return [Location(levels[0].level, error=error)]
            return [location for one in levels for location in await self._found(query, [one])]
        found = ((levels[hit.layer], hit) for hit in hits)
        return [
            Location(at.level, at.head.seq, hit.name, hit.what)
            for at, hit in found
            if not hit.name or at.face.shows(hit.name)
        ]

    async def _hits(self, query: Query, levels: list[_Admitted]) -> tuple[Hit, ...]:
        async with self._keyholder.turn():
            searched = [(each.level, each.head.seq) for each in levels]
            if query.like is not None:
                view = query.like.view.texts
                layers = self._vault.layers([*view, *searched])
                asked = TracedView(query.like.name, tuple(range(len(view))))
                places = tuple(range(len(view), len(view) + len(searched)))
                carriers = FindCarriers(layers.layers, asked, places)
                return (await self._keyholder.ask(carriers, Found, layers.blobs)).message.hits
            layers = self._vault.layers(searched)
            request = SearchTexts(layers.layers, query.pattern, bool(query.value), query.trim)
            return (await self._keyholder.ask(request, Found, layers.blobs, query.value)).message.hits

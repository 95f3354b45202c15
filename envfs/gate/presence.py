"""The presence of variables: which are set and which are empty, and since when. Never a value, nor how long it is.

Laws: it takes the names of a level, and is on the log as such. That a value is empty is not told to a caller that may
write it and does not get it: it could be a guess. Since when a value is there takes `history` as well, at the level
that sets it.
"""

from collections.abc import AsyncGenerator, Callable
from enum import StrEnum
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.reader import Reader
from envfs.gate.value_ages import ValueAges
from envfs.gate.views.view import View
from envfs.vault.vault import Vault


class PresenceState(StrEnum):
    """A state of a variable, as it is told."""

    SET = "set"
    EMPTY = "empty"
    NOT_SET = "not-set"


_SET = PresenceState.SET


class Presence(NamedTuple):
    """A variable of the view at `level`, which `source` sets. Version, time and `exact` as in the rows of rotations."""

    level: str
    name: str
    state: PresenceState
    source: str = ""
    version: int = 0
    since: str = ""
    exact: bool = True


class PresenceQuery(NamedTuple):
    """The variables that are asked for: `only` these, or all that are set. `may_guess` as for rotations."""

    only: tuple[str, ...]
    may_guess: Callable[[str], bool]
    below: bool = False
    ages: bool = False


class Presences:
    """The presence of the variables of one vault, for callers."""

    def __init__(self, gate: Gate, reader: Reader, vault: Vault, keyholder: Keyholder) -> None:
        """Decide by `gate`, and get the views of `vault` from `reader`."""
        self._gate = gate
        self._reader = reader
        self._vault = vault
        self._ages = ValueAges(vault, keyholder)

    async def list_presence(
        self, caller: Caller, access: AccessRequest, query: PresenceQuery
    ) -> AsyncGenerator[list[Presence], None]:
        """Yield what is set at a level, and then at each one below it that is asked for.

        Raises:
            NotApproved: the caller may not have the names of the level. That is on the log
            NoSuchLevel: there is no such level, or it has no such version
            Locked: the level's project is
        """
        yield await self._at(caller, access, query)
        if query.below:
            for level in self._vault.levels():
                is_below = level != access.level and names.within(level, access.level)
                if is_below and self._gate.allows(caller, level, Capability.NAMES):
                    yield await self._at(caller, access._replace(level=level), query)

    async def _at(self, caller: Caller, access: AccessRequest, query: PresenceQuery) -> list[Presence]:
        may_guess = any(map(query.may_guess, names.chain(access.level)))
        rows = {row.name: row for row in await self._present(caller, access, may_guess=may_guess)}
        if query.only:
            absent = PresenceState.NOT_SET
            rows = {name: rows.get(name, Presence(access.level, name, absent)) for name in query.only}
        if query.ages and not access.is_past and not may_guess:
            rows |= {row.name: row for row in await self._aged(caller, list(rows.values()))}
        return list(rows.values())

    async def _present(self, caller: Caller, access: AccessRequest, *, may_guess: bool) -> list[Presence]:
        face = self._gate.face(caller, access.level, capability=access.capability)
        view = await self._reader.view(caller, access._replace(face=face))
        try:
            return [
                Presence(access.level, name, _SET if may_guess else _state(view, name), source)
                for name, source in view.origins()
            ]
        finally:
            view.release()

    async def _aged(self, caller: Caller, rows: list[Presence]) -> list[Presence]:
        aged = []
        for source in dict.fromkeys(row.source for row in rows if row.source):
            named, history = (
                self._gate.decide(caller, source, needed) for needed in (Capability.NAMES, Capability.HISTORY)
            )
            faces = (named.face, history.face)
            of_source = [row for row in rows if row.source == source and all(face.shows(row.name) for face in faces)]
            if of_source and named.is_served and history.is_served:
                aged += await self._with_ages(caller, source, of_source)
        return aged

    async def _with_ages(self, caller: Caller, source: str, rows: list[Presence]) -> list[Presence]:
        self._gate.admit_facts(caller, AccessRequest(source, Channel.SOCKET, Format.HISTORY))
        read = self._gate.decide(caller, source)
        has_text = read.has_values and read.face.is_whole
        ages = await self._ages.ages(source, tuple(row.name for row in rows), by_value=has_text)
        times = {age.version: self._vault.header(source, age.version).time for age in ages.values()}
        return [
            row._replace(version=age.version, since=times[age.version], exact=age.exact)
            for row in rows
            if (age := ages.get(row.name)) is not None
        ]


def _state(view: View, name: str) -> PresenceState:
    extent = view.value(name)  # where it is: it is not looked at
    return _SET if extent is not None and extent.size else PresenceState.EMPTY

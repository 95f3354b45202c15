"""The variables that are due for rotation, in the levels that a caller may see.

Laws: it takes the names and the history of a level, at one by itself, and one is in the access log. A caller that may
write values and read none learns no age: it could tell by it whether a guess was right. Commands are comments of the
text, and so for those alone who may read it.
"""

from collections.abc import AsyncGenerator, Callable
from itertools import groupby
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.roles import Capability
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.rotation import Directives, Judgement, RotationState, judge_rotation, later
from envfs.errors import EnvFSError, Locked
from envfs.gate.gate import Gate
from envfs.gate.keyholder import Keyholder
from envfs.gate.value_ages import ValueAges
from envfs.protocol.keyholding import DirectivesRead, ReadDirectives
from envfs.vault.damage import DAMAGED
from envfs.vault.streams import Head
from envfs.vault.vault import Vault

_AT_ONCE, _BYTES_AT_ONCE = 64, 2 << 20


class RotationQuery(NamedTuple):
    """The variables that are asked for, as in protocol.control.ListRotations, and the time that it is.

    `may_guess` tells whether the caller could learn by an age at a level whether a guess at a value is right.
    """

    level: str
    now: str
    may_guess: Callable[[str], bool]
    within: int = 0
    every: bool = False
    name: str = ""


class Rotation(NamedTuple):
    """A variable with what is said of it. With an `error`, a level that could not be looked at.

    Of the version that set the value: number, time and author (0 and empty if they are not told).
    """

    level: str
    name: str = ""
    judgement: Judgement = Judgement(RotationState.GOOD, "")
    directives: Directives = Directives()
    version: int = 0
    since: str = ""
    author: str = ""
    exact: bool = True
    has_hooks: bool = False
    hides_age: bool = False
    error: EnvFSError | None = None


class _Admitted(NamedTuple):
    level: str
    head: Head
    faces: tuple[Face, Face]
    has_text: bool


class Rotations:
    """The rotations of one vault, for callers."""

    def __init__(self, gate: Gate, vault: Vault, keyholder: Keyholder) -> None:
        """Decide by `gate`. Ask `keyholder` about what `vault` holds."""
        self._gate = gate
        self._vault = vault
        self._keyholder = keyholder
        self._ages = ValueAges(vault, keyholder)

    async def list_rotations(self, caller: Caller, query: RotationQuery) -> AsyncGenerator[list[Rotation], None]:
        """Yield the variables, some levels at a time.

        Raises:
            AuditUnavailable: the log cannot be written
            Locked: the vault is
        """
        levels = [level for level in self._vault.levels() if names.within(level, query.level)]
        for _, of_project in groupby([query.level] if query.name else levels, key=names.project):
            some: list[_Admitted] = []
            for level in of_project:
                try:
                    some += self._admitted(caller, level)
                except DAMAGED as error:
                    yield [Rotation(level, error=error)]
                if len(some) == _AT_ONCE or sum(len(one.head.data) for one in some) > _BYTES_AT_ONCE:
                    yield await self._looked_at(query, some)
                    some = []
            if some:
                yield await self._looked_at(query, some)

    def _admitted(self, caller: Caller, level: str) -> list[_Admitted]:
        if not all(self._gate.allows(caller, level, needed) for needed in (Capability.HISTORY, Capability.NAMES)):
            return []
        head = self._vault.head(level)
        if head is None or self._vault.is_removed(level):
            return []
        face = self._gate.admit_facts(caller, AccessRequest(level, Channel.SOCKET, Format.HISTORY))
        named, read = self._gate.decide(caller, level, Capability.NAMES), self._gate.decide(caller, level)
        return [_Admitted(level, head, (face, named.face), read.has_values and read.face.is_whole)]

    async def _looked_at(self, query: RotationQuery, levels: list[_Admitted]) -> list[Rotation]:
        try:
            said = await self._directives(query, levels)
            return [
                row for at, of_level in zip(levels, said, strict=True) for row in await self._of(query, at, of_level)
            ]
        except Locked as error:
            if not error.about:
                raise  # the vault is: the caller may be able to open it
            return [Rotation(levels[0].level, error=error)]
        except DAMAGED as error:
            if len(levels) == 1:
                return [Rotation(levels[0].level, error=error)]
            return [row for one in levels for row in await self._looked_at(query, [one])]

    async def _directives(self, query: RotationQuery, levels: list[_Admitted]) -> list[dict[str, Directives]]:
        async with self._keyholder.turn():
            layers = self._vault.layers([(one.level, one.head.seq) for one in levels])
            answer = await self._keyholder.ask(ReadDirectives(layers.layers, query.name), DirectivesRead, layers.blobs)
        said: list[dict[str, Directives]] = [{} for _ in levels]
        for layer, about, several in answer.message.groups:
            faces = levels[layer].faces
            said[layer].update((name, about) for name in several if all(face.shows(name) for face in faces))
        return said

    async def _of(self, query: RotationQuery, at: _Admitted, said: dict[str, Directives]) -> list[Rotation]:
        shows_all = query.every or bool(query.name)
        rows = []
        hides = bool(said) and query.may_guess(at.level)
        several = tuple(name for name, about in said.items() if shows_all or about.is_judged)
        since = {} if hides or not several else await self._since(query, at, several, dict(said))
        headers = {version: self._vault.header(at.level, version) for version, _ in {*since.values()}}
        for name in several:
            version, exact = since.get(name, (0, True))
            header = headers.get(version)
            row = Rotation(
                at.level,
                name,
                judge_rotation(said[name], header.time if header else "", query.now, query.within),
                said[name]
                if at.has_text and not said[name].has_wrong_command
                else said[name]._replace(with_command="", from_command=""),
                version,
                header.time if header else "",
                header.author if header else "",
                exact,
                bool(said[name].with_command or said[name].from_command or said[name].has_wrong_command),
                hides and said[name].every > 0,
            )
            if shows_all or row.judgement.state is not RotationState.GOOD or row.hides_age:
                rows.append(row)
        return rows

    async def _since(
        self, query: RotationQuery, at: _Admitted, several: tuple[str, ...], said: dict[str, Directives]
    ) -> dict[str, tuple[int, bool]]:
        if not (query.every or query.name):
            first = (await self._ages.versions(at.level))[0]
            oldest = self._vault.header(at.level, first).time
            # no value is older than the oldest version: most levels need no closer look
            several = tuple(name for name in several if _may_be_due(said[name], oldest, query))
        ages = await self._ages.ages(at.level, several, by_value=at.has_text) if several else {}
        return {name: (age.version, age.exact) for name, age in ages.items()}


def _may_be_due(directives: Directives, oldest: str, query: RotationQuery) -> bool:
    soon = later(query.now, query.within)
    if directives.begun or any(len(end) > 0 and end <= soon for end in (directives.expires, directives.overlap_until)):
        return True
    return directives.every > 0 and later(oldest, directives.every) <= soon

"""One variable through the versions of its levels: what each logged read had of it, and whether it has that now.

A read is followed through what happened to the variable since: a new name, a level that moved. Laws: marks of values
are compared, and no values. To a caller that may not compare values, a value that came back is another one.
"""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import NamedTuple

from envfs.core import names
from envfs.core.access_request import Format
from envfs.core.logged_reads import LoggedRead
from envfs.errors import EnvFSError
from envfs.gate.level_history import LevelHistory, Version
from envfs.gate.search import LikeVariable
from envfs.gate.variable_traces import SeenVariable, SeenView, VariableTraces, current_view, view_at
from envfs.gate.version_changes import NameTrail
from envfs.service.levels.moving import change_of
from envfs.service.service import OpenVault, Service

_NOTHING = SeenVariable()
_MOST_COMPARED = 2_000  # versions between a read and now, for a caller that may not compare values


class JudgedRead(NamedTuple):
    """The variable as a read had it, and whether it is the value of now. `is_clear` if the entry says all of that.

    `like` is the view that was read, and the name of the variable there. None: the view cannot be made any more.
    """

    sighting: SeenVariable
    is_current: bool
    is_clear: bool = True
    like: LikeVariable | None = None


class PastVersion(NamedTuple):
    """A version that set or removed the variable, and a mark for the value in it (empty: it has none there).

    `is_last` if no version after it did.
    """

    version: Version
    mark: str
    is_last: bool


class EarlierName(NamedTuple):
    """The variable had the name `before` in the versions before this one of the level that sets it."""

    version: int
    before: str


class VariablePast:
    """The variable `name` of the view of `level`. `exact` for a caller that may compare values."""

    def __init__(self, service: Service, level: str, name: str, *, exact: bool) -> None:
        """Ask about the open vault of `service`."""
        self.level, self.name = level, name
        self._exact = exact
        self._open_vault: OpenVault = service.open_vault
        self._vault = service.open_vault.vault
        self._traces = VariableTraces(self._vault, service.keyholder)
        self._history = LevelHistory(self._vault, service.keyholder)
        self._keyholder = service.keyholder
        self._renamings: tuple[EarlierName, ...] = ()
        self._moved: dict[str, str] = {}  # from where levels were to where they are
        self.source, self.mark = level, ""  # the level that sets it now, and a mark for its value there

    async def learn_moves(self, moves: Mapping[str, Iterable[int]]) -> None:
        """Take note of levels that moved. `moves` has versions that were written by a move, by the new level."""
        for level, versions in moves.items():
            for version in versions:
                try:
                    change = await change_of(self._vault, self._keyholder, level, version)
                except EnvFSError:
                    continue
                if change.source_level:
                    self._moved[change.source_level] = level

    def present(self, level: str) -> str:
        """Return where a level is now that was at a path once."""
        passed = set[str]()
        while level in self._moved and level not in passed and not self._vault.exists(level):
            passed.add(level)
            level = self._moved[level]
        return level

    async def judge(self, reads: Mapping[LoggedRead, str]) -> dict[LoggedRead, JudgedRead]:
        """Return those of some reads, with their times, that had the variable.

        Raises:
            Locked: a project is
        """
        here = current_view(self._vault, self.level)
        now = (await self._traces.look({here: self.name})).get(here, _NOTHING)
        self.source, self.mark = now.level or self.level, now.mark
        views = {read: self._view(read, time) for read, time in reads.items()}
        await self._learn_names(view for view, _ in views.values() if view is not None)
        present = {read.level: self.present(read.level) for read in reads}
        current = {level: current_view(self._vault, level) for level in present.values() if self._vault.exists(level)}
        asked = {view: self._name_in(view) for view, _ in views.values() if view is not None}
        seen = await self._traces.look(asked | dict.fromkeys(current.values(), self.name))
        judged = {}
        for read, (view, is_clear) in views.items():
            if view is None or view not in seen:  # of versions that were forgotten: it may have had it
                if self._may_concern(read.level):
                    judged[read] = JudgedRead(SeenVariable(read.level, read.version), is_current=False, is_clear=False)
                continue
            sighting, of_now = seen[view], current.get(present[read.level])
            if not self._is_it(read, sighting) or not _was_given(read, sighting, is_clear=is_clear):
                continue
            is_same = of_now is not None and await self._is_same(sighting, seen.get(of_now, _NOTHING))
            unsure = read.format == Format.VALUE and not read.places
            like = LikeVariable(asked[view], view)
            judged[read] = JudgedRead(sighting, is_same, is_clear and not unsure, like)
        return judged

    async def is_there(self) -> bool:
        """Tell whether the view of the level has the variable now."""
        here = current_view(self._vault, self.level)
        return bool((await self._traces.look({here: self.name})).get(here, _NOTHING).level)

    async def versions(self, since: str, until: str) -> tuple[list[PastVersion], bool]:
        """List the versions that gave the variable a value in a time, the newest first, and that in force before it.

        False behind them where there were too many to look through.

        Raises:
            Locked: a project is
        """
        head, trail, past = self._vault.head(self.source), NameTrail(self.name), list[PastVersion]()
        if head is None:
            return [], True
        oldest, is_last = max(1, head.seq - _MOST_COMPARED + 1), True
        async with aclosing(self._history.versions(self.source, head.seq, oldest)) as pages:
            async for some in pages:
                for version in some:
                    name = trail.name
                    part = trail.followed(version.change) if isinstance(version, Version) else None
                    if part is None or not isinstance(version, Version):
                        continue
                    if not until or version.time < until:
                        mark = await self._mark_of(version, name)
                        past.append(PastVersion(version._replace(change=part), mark, is_last))
                    is_last = False
                    if version.time < since:
                        return past, True
        return past, oldest == 1

    async def _mark_of(self, version: Version, name: str) -> str:
        view = SeenView(self.source, self._vault.versions_at(self.source, version.change.version))
        return (await self._traces.look({view: name})).get(view, _NOTHING).mark

    async def value_at(self, version: int) -> SeenVariable:
        """Return what the view of the level had of the variable when a version of the level was written.

        Raises:
            NoSuchLevel: the level has no such version
        """
        view = SeenView(self.level, self._vault.chain_at(self.level, version).versions)
        await self._learn_names([view])
        return (await self._traces.look({view: self._name_in(view)})).get(view, _NOTHING)

    def _view(self, read: LoggedRead, time: str) -> tuple[SeenView | None, bool]:
        only, is_clear = self._shown_to(read)
        if read.above is not None or read.level == names.ROOT or read.is_own:
            above = read.above or ()
            versions = (0,) * (len(names.chain(read.level)) - 1 - len(above)) + (*above, read.version)
            if len(versions) == len(names.chain(read.level)):
                return SeenView(read.level, versions, read.is_own, only), is_clear
            return None, False
        view = view_at(self._vault, read.level, time, read.version)
        return (None, False) if view is None else (view._replace(only=only), is_clear)

    def _shown_to(self, read: LoggedRead) -> tuple[tuple[str, ...], bool]:
        # which names a rule shows is not in the log: the rule has it, if it is still there
        if not read.some and read.process:
            return (), True
        for entry in self._open_vault.gate.policy().entries(read.level):
            if entry.verdict.rule == read.rule:
                return entry.verdict.face.only, True
        return (), not read.some

    async def _learn_names(self, views: Iterable[SeenView]) -> None:
        at = [self._version_in(view) for view in views]
        head, oldest = self._vault.head(self.source), min((version for version in at if version), default=0)
        if head is None or not oldest or oldest >= head.seq:
            return
        trail, renamings = NameTrail(self.name), []
        async with aclosing(self._history.versions(self.source, head.seq, oldest)) as pages:
            async for some in pages:
                for version in some:
                    part = trail.followed(version.change) if isinstance(version, Version) else None
                    if part is not None and part.renamed and (self._exact or part.operation == "rename"):
                        renamings.append(EarlierName(part.version, part.renamed[0].before))
        self._renamings = tuple(renamings)

    def _version_in(self, view: SeenView) -> int:
        for step, version in zip(names.chain(view.level), view.versions, strict=True):
            if self.present(step) == self.source:
                return version
        return 0

    def _name_in(self, view: SeenView) -> str:
        version, name = self._version_in(view), self.name
        for renaming in self._renamings:
            if version and version < renaming.version:
                name = renaming.before
        return name

    def _may_concern(self, level: str) -> bool:
        return names.within(self.present(level), self.level)

    def _is_it(self, read: LoggedRead, sighting: SeenVariable) -> bool:
        # that of another level with the same name is another variable
        source = self.present(sighting.level) if sighting.level else ""
        if not source:
            return False
        return source == self.source or (
            names.within(self.present(read.level), self.level) and source in names.chain(self.level)
        )

    async def with_value(self, judged: Mapping[LoggedRead, JudgedRead], value: SeenVariable) -> set[LoggedRead]:
        """Return the reads that had a value, as far as the caller may compare."""
        several = dict.fromkeys(seen.sighting for seen in judged.values())
        same = {one for one in several if await self._is_same(*sorted((one, value), key=lambda each: each.version))}
        return {read for read, seen in judged.items() if seen.sighting in same}

    async def _is_same(self, then: SeenVariable, now: SeenVariable) -> bool:
        if then.mark != now.mark or not now.level:
            return False
        if self._exact or (then.level, then.version) == (now.level, now.version):
            return True
        if self.present(then.level) != now.level or now.version - then.version > _MOST_COMPARED:
            return False
        steps = len(names.chain(now.level)) - 1
        between = {
            SeenView(now.level, (*(0,) * steps, version), is_own=True): self.name
            for version in range(then.version, now.version + 1)
        }
        marks = {sighting.mark for sighting in (await self._traces.look(between)).values()}
        return len(marks) == 1


def _was_given(read: LoggedRead, sighting: SeenVariable, *, is_clear: bool) -> bool:
    if not sighting.places:
        return not is_clear
    return not read.places or not is_clear or not {*read.places}.isdisjoint(sighting.places)

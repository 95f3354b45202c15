"""A report on one variable over a time: who was given which value, what else they got, and who was refused.

Laws: what a caller may not see in the log is not in the report. Values have numbers in it, in the order of their
versions, and none is shown or compared outside of the keyholder.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from typing import NamedTuple

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.access_request import Format
from envfs.core.incident_tally import AccessTally, IncidentTally
from envfs.core.logged_reads import LoggedCaller, LoggedRead, LoggedRefusal
from envfs.errors import EnvFSError, Locked
from envfs.gate.search import LikeVariable, Location, Query
from envfs.service.holding.variable_past import JudgedRead, PastVersion, VariablePast
from envfs.service.service import Service

_OF_ONE_LEVEL = frozenset(Format) - {Format.LOOKUP, Format.NAMES}
_MOST_VALUES = 20  # that are searched for in other levels


class IncidentQuestion(NamedTuple):
    """A variable at a level, and a time (UTC; empty: without end)."""

    level: str
    name: str
    since: str = ""
    until: str = ""


class Inquirer(NamedTuple):
    """The one who asks: what it sees of the log, and whether it may compare values."""

    caller: Caller
    sees: Callable[[str], bool]
    exact: bool


class ReadFact(NamedTuple):
    """A kind of read of the variable, how often it was, and what it had. `value` is the number of the value, or 0."""

    read: LoggedRead
    tally: AccessTally
    judged: JudgedRead
    value: int


class OtherRead(NamedTuple):
    """A level that a program of the report was given as well: all of it or single variables."""

    caller: LoggedCaller
    level: str
    is_whole: bool
    tally: AccessTally


class Incident(NamedTuple):
    """The parts of a report."""

    past: VariablePast
    entries: int
    log_begins: str
    versions: tuple[tuple[PastVersion, int], ...]
    reads: tuple[ReadFact, ...]
    others: tuple[OtherRead, ...]
    refusals: tuple[tuple[LoggedRefusal, AccessTally], ...]
    carriers: tuple[tuple[Location, int], ...]
    notes: tuple[str, ...]


async def look_into(service: Service, question: IncidentQuestion, asker: Inquirer, tally: IncidentTally) -> Incident:
    """Gather the parts of a report. `tally` has taken the whole log.

    Raises:
        Locked: a project is
    """
    past = VariablePast(service, question.level, question.name, exact=asker.exact)
    await past.learn_moves(tally.moves)
    reads = {read: counted for read, counted in tally.reads.items() if asker.sees(read.level)}
    judged = await past.judge({read: counted.first for read, counted in reads.items()})
    versions, is_complete = await past.versions(question.since, question.until)
    numbers = _numbers(versions, judged, reads, exact=asker.exact)
    facts = [ReadFact(read, reads[read], seen, numbers(read, seen)) for read, seen in judged.items()]
    carriers, notes = await _carriers(service, past, asker, facts) if asker.exact else ([], [])
    if not is_complete:
        notes.append("there are more versions than were looked through: older ones of the variable are not listed")
    if tally.left_out:
        notes.append(f"{tally.left_out} accesses are not in the report: there were too many kinds; name a shorter time")
    return Incident(
        past=past,
        entries=tally.entries,
        log_begins=tally.first,
        versions=tuple((version, numbers.of_version(version)) for version in versions),
        reads=tuple(sorted(facts, key=lambda fact: fact.tally.first)),
        others=tuple(_others(reads, facts)),
        refusals=tuple(_refusals(tally, past, asker)),
        carriers=tuple(carriers),
        notes=tuple(notes),
    )


class _Numbers:
    """Numbers for values, in the order of the versions that gave them first."""

    def __init__(self, *, exact: bool) -> None:
        self._exact = exact
        self._numbers: dict[object, int] = {}

    def __call__(self, _read: LoggedRead, seen: JudgedRead) -> int:
        return self._of(seen.sighting.mark, seen.sighting.version)

    def of_version(self, version: PastVersion) -> int:
        """Return the number of the value in a version."""
        return self._of(version.mark, version.version.change.version)

    def _of(self, mark: str, version: int) -> int:
        if not mark:
            return 0
        return self._numbers.setdefault(mark if self._exact else (mark, version), len(self._numbers) + 1)


def _numbers(
    versions: list[PastVersion],
    judged: Mapping[LoggedRead, JudgedRead],
    reads: Mapping[LoggedRead, AccessTally],
    *,
    exact: bool,
) -> _Numbers:
    numbers = _Numbers(exact=exact)
    for version in reversed(versions):
        numbers.of_version(version)
    for read in sorted(judged, key=lambda each: reads[each].first):
        numbers(read, judged[read])
    return numbers


def _others(reads: Mapping[LoggedRead, AccessTally], facts: list[ReadFact]) -> Iterator[OtherRead]:
    # what a caller was given beside the variable: a read of that one alone is no other
    callers, told = {fact.read.caller for fact in facts}, {fact.read for fact in facts}
    others: dict[tuple[LoggedCaller, str, bool], AccessTally] = {}
    for read, tally in reads.items():
        is_single = read.format == "value" or len(read.places) == 1
        if read.caller in callers and not (is_single and read in told):
            key = read.caller, read.level, not read.places and read.format != "value"
            counted = others.get(key, AccessTally(0, tally.first, tally.last))
            first, last = min(counted.first, tally.first), max(counted.last, tally.last)
            others[key] = AccessTally(counted.times + tally.times, first, last)
    for (caller, level, is_whole), tally in sorted(others.items(), key=lambda item: item[0][1:]):
        yield OtherRead(caller, level, is_whole, tally)


def _refusals(tally: IncidentTally, past: VariablePast, asker: Inquirer) -> Iterator[tuple[LoggedRefusal, AccessTally]]:
    for refusal, counted in tally.refusals.items():
        if _concerns(refusal, past) and asker.sees(refusal.level or names.ROOT):
            yield refusal, counted


def _concerns(refusal: LoggedRefusal, past: VariablePast) -> bool:
    if not refusal.level:
        return True  # a token that is none, and it is not known what it was for
    level = past.present(refusal.level)
    # who may not pass a level above is refused there, whatever it was after. A view of that level is another matter
    reaches_down = names.within(past.level, level) and refusal.what not in _OF_ONE_LEVEL
    return names.within(level, past.level) or level == past.source or reaches_down


async def _carriers(
    service: Service, past: VariablePast, asker: Inquirer, facts: list[ReadFact]
) -> tuple[list[tuple[Location, int]], list[str]]:
    by_value = {fact.value: fact.judged.like for fact in facts if fact.value and fact.judged.like is not None}
    carriers, notes = dict[Location, int](), list[str]()
    for value, like in sorted(by_value.items())[-_MOST_VALUES:]:
        query = Query("*", names.ROOT, like=LikeVariable(like.name, like.view))
        async with aclosing(service.open_vault.search.find(asker.caller, query)) as pages:
            async for some in pages:
                for location in some:
                    if location.error is None:
                        carriers.setdefault(location, value)
                    elif isinstance(location.error, Locked | EnvFSError):
                        notes.append(f"{location.level} was not searched: {location.error.text}")
    if len(by_value) > _MOST_VALUES:
        notes.append(f"the newest {_MOST_VALUES} values alone were searched for in other levels")
    others = [
        (place, value) for place, value in carriers.items() if (place.level, place.name) != (past.source, past.name)
    ]
    return others, list(dict.fromkeys(notes))

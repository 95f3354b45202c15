"""The live processes that were given a value of a variable: from the access log, the records, and /proc.

Laws: a process is the one of an entry if number, start and boot are the same. A caller gets nothing here that it may
not see in the log. Values are compared by the keyholder alone.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import trio

from envfs.core import names
from envfs.core.access_request import Channel
from envfs.core.entry_reader import EntryReader
from envfs.core.holding import HoldKind
from envfs.core.logged_reads import LoggedMove, LoggedRead, meaning_of
from envfs.errors import NoSuchVariable
from envfs.gate.audit_log.log import AccessLog
from envfs.host import clocks
from envfs.host.callers import process_tree
from envfs.host.callers.process_tree import Processes, ProcessFacts
from envfs.host.evidence.process_files import ProcessStat
from envfs.service.service import Service
from envfs.service.variable_past import JudgedRead, VariablePast

_SLACK_SECONDS = 1.0  # of two clocks, where an entry does not name its process
_HUNDREDTH = 0.01  # as exactly as the start of a process is known
_MOST_READS = 50_000
_LINES_AT_ONCE = 256
_CANNOT_TELL = "a value that was passed on by a pipe, a file or a message is not seen"


class HoldersQuestion(NamedTuple):
    """A variable at a level. `version`: its value in that version alone. `before`: what that version replaced."""

    level: str
    name: str
    version: int = 0
    before: int = 0


class Times(NamedTuple):
    """When something was logged for the first time and the last time (UTC)."""

    first: str
    last: str


class Holder(NamedTuple):
    """A live process, how it has a value, by which read, and what that had. `is_renewed`: it was given a newer one."""

    process: ProcessFacts
    kind: HoldKind
    read: LoggedRead
    times: Times
    judged: JudgedRead
    is_renewed: bool = False


class HoldersAnswer(NamedTuple):
    """The holders, the latest first, and what cannot be known."""

    holders: tuple[Holder, ...]
    notes: tuple[str, ...] = ()


class LoggedPast(NamedTuple):
    """The part of the log that counts: reads with their times, and versions that a move wrote, by the new level."""

    reads: dict[LoggedRead, Times]
    moves: dict[str, set[int]]
    is_whole: bool


async def find_holders(
    service: Service, question: HoldersQuestion, sees: Callable[[str], bool], *, exact: bool
) -> HoldersAnswer:
    """List the holders of a variable that is there now, or that a live process was given. The rest as `holders_of`.

    Raises:
        NoSuchVariable: the level has no such variable, and no live process was given one
        NoSuchLevel: there is no such version
        Locked: a project is
    """
    answer = await holders_of(service, question, sees, exact=exact)
    past = VariablePast(service, question.level, question.name, exact=exact)
    if not answer.holders and not await past.is_there():
        text = f"{question.level} has no variable of that name, and no live process was given one"
        raise NoSuchVariable(text, f"`envfs show {question.level}` lists them")
    return answer


async def holders_of(
    service: Service, question: HoldersQuestion, sees: Callable[[str], bool], *, exact: bool
) -> HoldersAnswer:
    """List the holders. `sees` tells whether the caller may read the log of a level, `exact` whether it may compare.

    Raises:
        NoSuchLevel: there is no such version
        Locked: a project is
    """
    processes = await trio.to_thread.run_sync(process_tree.live_processes)
    logged = await live_reads(service.log, processes, sees)
    past = VariablePast(service, question.level, question.name, exact=exact)
    await past.learn_moves(logged.moves)
    judged = await past.judge({read: times.first for read, times in logged.reads.items()})
    chosen = await _chosen(past, question, judged)
    holders = await trio.to_thread.run_sync(_holders, processes, logged.reads, judged, chosen)
    return HoldersAnswer(tuple(holders), (_CANNOT_TELL,))


async def live_reads(log: AccessLog, processes: Processes, sees: Callable[[str], bool]) -> LoggedPast:
    """Return the reads of values that processes did which still live."""
    reader = EntryReader(meaning_of)
    reads, moves, is_whole = dict[LoggedRead, Times](), dict[str, set[int]](), True
    keys = {pid: process_tree.key_of(stat) for pid, stat in processes.items()}
    lines = log.newest(0)

    def take() -> bool:
        nonlocal is_whole
        some = list(islice(lines, _LINES_AT_ONCE))
        for entry in filter(None, map(reader.read, some)):
            time, meaning = entry
            if isinstance(meaning, LoggedMove):
                moves.setdefault(meaning.level, set()).add(meaning.version)
            if not isinstance(meaning, LoggedRead) or meaning.pid not in keys:
                continue
            if not _is_of(meaning, time, processes[meaning.pid], keys[meaning.pid]):
                continue
            if meaning in reads:
                reads[meaning] = Times(reads[meaning].first, time)
            elif len(reads) < _MOST_READS:
                reads[meaning] = Times(time, time)
            else:
                is_whole = False
        return bool(some)

    while await trio.to_thread.run_sync(take):
        pass
    return LoggedPast({read: times for read, times in reads.items() if sees(read.level)}, moves, is_whole)


def _is_of(read: LoggedRead, time: str, stat: ProcessStat, key: str) -> bool:
    if read.process:
        return read.process == key
    return stat.started <= clocks.boot_seconds_of(time) + _SLACK_SECONDS


async def _chosen(
    past: VariablePast, question: HoldersQuestion, judged: Mapping[LoggedRead, JudgedRead]
) -> set[LoggedRead]:
    if question.version:
        mark = (await past.value_at(question.version)).mark
        return {read for read, seen in judged.items() if seen.sighting.mark == mark or not seen.is_clear}
    if question.before:
        mark, place = (await past.value_at(question.before)).mark, len(names.chain(question.level)) - 1
        return {
            read
            for read, seen in judged.items()
            if seen.sighting.mark != mark and _version_of(past, read, question.level, place) < question.before
        }
    return {*judged}


def _version_of(past: VariablePast, read: LoggedRead, level: str, place: int) -> int:
    # which version of the level a view had: 0 where it is none of that level's, or not known
    if not names.within(past.present(read.level), level):
        return 0
    versions = (*(read.above or ()), read.version)
    return versions[place] if place < len(versions) else 0


def _holders(
    processes: Processes,
    reads: Mapping[LoggedRead, Times],
    judged: Mapping[LoggedRead, JudgedRead],
    chosen: set[LoggedRead],
) -> list[Holder]:
    children = process_tree.children_of(processes)
    holders: dict[tuple[int, str, str], Holder] = {}
    renewed = {read.pid: reads[read].last for read, seen in judged.items() if seen.is_current and seen.is_clear}
    for read in sorted(chosen, key=lambda each: reads[each].last, reverse=True):
        seen, times = judged[read], reads[read]
        span = _Span(clocks.boot_seconds_of(times.first) - _SLACK_SECONDS, _until(read, reads, judged))
        for stat, way in _with_descendants(processes[read.pid], read, seen, children, span):
            facts = process_tree.describe(stat)
            key = stat.pid, seen.sighting.mark, seen.sighting.level
            if facts is None or (key in holders and _rank(holders[key].kind) <= _rank(way)):
                continue
            is_renewed = not seen.is_current and renewed.get(read.pid, "") > times.last and read.channel != Channel.EXEC
            kind = HoldKind.REPLACED if way is HoldKind.READ and _runs_another(read, facts) else way
            holders[key] = Holder(facts, kind, read, times, seen, is_renewed)
    return sorted(holders.values(), key=lambda holder: (holder.times.first, holder.process.pid), reverse=True)


class _Span(NamedTuple):
    """Between which seconds after the boot a process has to have begun to have got something from its parent."""

    first: float
    last: float


def _until(read: LoggedRead, reads: Mapping[LoggedRead, Times], judged: Mapping[LoggedRead, JudgedRead]) -> float:
    # what a process starts after it was given another value has that one
    mark, last = judged[read].sighting.mark, reads[read].last
    others = (other for other, seen in judged.items() if other.pid == read.pid and seen.sighting.mark != mark)
    later = [reads[other].first for other in others if other.level == read.level and reads[other].first > last]
    return clocks.boot_seconds_of(min(later)) - _HUNDREDTH if later else math.inf


_ORDER = tuple(HoldKind)


def _rank(kind: HoldKind) -> int:
    return _ORDER.index(HoldKind.READ if kind is HoldKind.REPLACED else kind)


def _runs_another(read: LoggedRead, facts: ProcessFacts) -> bool:
    return read.channel != Channel.EXEC and bool(read.executable) and facts.executable not in ("", read.executable)


def _with_descendants(
    reader: ProcessStat, read: LoggedRead, seen: JudgedRead, children: Mapping[int, list[ProcessStat]], span: _Span
) -> Iterator[tuple[ProcessStat, HoldKind]]:
    yield reader, HoldKind.READ if seen.is_clear else HoldKind.UNCLEAR
    below = HoldKind.INHERITED if read.channel == Channel.EXEC else HoldKind.DESCENDS
    ahead = [reader.pid]
    while ahead:
        for child in children.get(ahead.pop(), ()):
            if child.parent != reader.pid or span.first <= child.started < span.last:
                yield child, below
                ahead.append(child.pid)

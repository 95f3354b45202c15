"""The processes that have a value because they, or one that they descend from, were given it.

Laws: a process has from its parent what that was given before the process began. Of a process whose parents have ended
nothing is certain.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from envfs.core.access_request import Channel
from envfs.core.holding import HoldKind
from envfs.core.logged_reads import LoggedRead
from envfs.host import clocks
from envfs.host.callers import process_tree
from envfs.host.callers.process_tree import Processes, ProcessFacts
from envfs.host.evidence.process_files import ProcessStat
from envfs.service.holding.live_reads import Times
from envfs.service.holding.open_values import OpenValue
from envfs.service.holding.variable_past import JudgedRead

_SLACK_SECONDS, _HUNDREDTH = 1.0, 0.01  # of two clocks, and as exactly as the start of a process is known
_DELETED = " (deleted)"
_ORDER = tuple(HoldKind)


class Holder(NamedTuple):
    """A live process, how it has a value, by which read, and what that had. `is_renewed`: it was given a newer one."""

    process: ProcessFacts
    kind: HoldKind
    read: LoggedRead
    times: Times
    judged: JudgedRead
    is_renewed: bool = False


class _Span(NamedTuple):
    """Between which seconds after the boot a process has to have begun to have got something from its parent."""

    first: float
    last: float = math.inf


class Descent:
    """The processes of now, and the reads of a variable, called `name`, with their times and what they had."""

    def __init__(
        self,
        processes: Processes,
        name: str,
        times: Mapping[LoggedRead, Times],
        judged: Mapping[LoggedRead, JudgedRead],
    ) -> None:
        """Look at them."""
        self._processes = processes
        self._name = name
        self._times = times
        self._judged = judged
        self._children = process_tree.children_of(processes)
        self._facts: dict[int, ProcessFacts | None] = {}

    def holders(self, chosen: set[LoggedRead], opened: Collection[OpenValue]) -> list[Holder]:
        """Return the processes that have something by some of the reads, the latest first. For a thread."""
        holders: dict[tuple[int, str, str], Holder] = {}
        reads = sorted(chosen - {value.read for value in opened}, key=lambda read: self._times[read].last, reverse=True)
        for read in reads:
            for stat, kind in self._by_a_live_one(read):
                self._add(holders, read, stat, kind)
        for read, stat in self._with_open(chosen, opened):
            self._add(holders, read, stat, HoldKind.OPEN)
        certain = {pid for pid, _, _ in holders}
        for read in reads:
            for stat in self._by_one_that_ended(read, certain):
                self._add(holders, read, stat, HoldKind.ORPHAN)
        return sorted(holders.values(), key=lambda each: (each.times.first, each.process.pid), reverse=True)

    def _add(
        self, holders: dict[tuple[int, str, str], Holder], read: LoggedRead, stat: ProcessStat, kind: HoldKind
    ) -> None:
        facts, seen, times = self._described(stat), self._judged[read], self._times[read]
        key = stat.pid, seen.sighting.mark, seen.sighting.level
        if kind is HoldKind.OPEN and key in holders:
            holders[key] = holders[key]._replace(kind=kind)
        elif facts is None or (key in holders and _rank(holders[key].kind) <= _rank(kind)):
            return
        else:
            way = HoldKind.REPLACED if kind is HoldKind.READ and _runs_another(read, facts) else kind
            holders[key] = Holder(facts, way, read, times, seen, self._is_renewed(read))

    def _described(self, stat: ProcessStat) -> ProcessFacts | None:
        if stat.pid not in self._facts:
            self._facts[stat.pid] = process_tree.describe(stat)
        return self._facts[stat.pid]

    def _is_renewed(self, read: LoggedRead) -> bool:
        # the environment of a command stays what it was, whatever the command reads later
        if self._judged[read].is_current or not read.pid or read.channel == Channel.EXEC:
            return False
        return any(
            seen.is_current and seen.is_clear and self._times[other].last > self._times[read].last
            for other, seen in self._judged.items()
            if other.pid == read.pid
        )

    def _by_a_live_one(self, read: LoggedRead) -> Iterator[tuple[ProcessStat, HoldKind]]:
        if read.pid not in self._processes:
            return
        yield self._processes[read.pid], HoldKind.READ if self._judged[read].is_clear else HoldKind.UNCLEAR
        below = HoldKind.INHERITED if read.channel == Channel.EXEC else HoldKind.DESCENDS
        span = _Span(self._began(read), self._until(read))
        for stat in self._below(read.pid, span):
            yield stat, below if self._judged[read].is_clear else HoldKind.UNCLEAR

    def _with_open(
        self, chosen: set[LoggedRead], opened: Collection[OpenValue]
    ) -> Iterator[tuple[LoggedRead, ProcessStat]]:
        by_path: dict[str, list[LoggedRead]] = {}
        for value in opened:
            if value.read in chosen:
                by_path.setdefault(value.path, []).append(value.read)
        for pid, paths in process_tree.processes_with_open(self._processes, by_path).items() if by_path else ():
            for path in paths:
                yield from ((read, self._processes[pid]) for read in by_path[path])

    def _began(self, read: LoggedRead) -> float:
        return clocks.boot_seconds_of(self._times[read].first) - _SLACK_SECONDS

    def _until(self, read: LoggedRead) -> float:
        # a process that is started after another value was given has that one
        mark, last = self._judged[read].sighting.mark, self._times[read].last
        later = [
            self._times[other].first
            for other, seen in self._judged.items()
            if (other.pid, other.level) == (read.pid, read.level) and seen.sighting.mark != mark
        ]
        return min((clocks.boot_seconds_of(time) - _HUNDREDTH for time in later if time > last), default=math.inf)

    def _below(self, pid: int, span: _Span) -> Iterator[ProcessStat]:
        ahead = [pid]
        while ahead:
            for child in self._children.get(ahead.pop(), ()):
                if child.parent != pid or span.first <= child.started < span.last:
                    yield child
                    ahead.append(child.pid)

    def _by_one_that_ended(self, read: LoggedRead, certain: set[int]) -> Iterator[ProcessStat]:
        if read.pid in self._processes or read.channel not in (Channel.EXEC, Channel.MOUNT):
            return
        began = self._began(read)
        for stat in self._processes.values():
            if stat.started >= began and stat.pid not in certain and self._is_left_by(read, stat):
                yield stat
                yield from (below for below in self._below(stat.pid, _Span(began)) if below.pid not in certain)

    def _is_left_by(self, read: LoggedRead, stat: ProcessStat) -> bool:
        facts = self._described(stat)
        if facts is None or (facts.uid, facts.cgroup) != (read.uid, read.cgroup):
            return False
        if read.channel == Channel.EXEC:
            return process_tree.has_variable(stat, facts.uid, self._name)
        if not stat.is_fork or _program(facts.executable) != _program(read.executable):
            return False
        parent = self._processes.get(stat.parent)  # which took it over: a fork of its own program is still below it
        above = self._described(parent) if parent is not None else None
        return above is None or _program(above.executable) != _program(read.executable)


def _rank(kind: HoldKind) -> int:
    return _ORDER.index(HoldKind.READ if kind is HoldKind.REPLACED else kind)


def _runs_another(read: LoggedRead, facts: ProcessFacts) -> bool:
    if read.channel == Channel.EXEC or not read.executable or not facts.executable:
        return False
    return _program(facts.executable) != _program(read.executable)


def _program(path: str) -> str:
    return path.removesuffix(_DELETED)  # after an upgrade

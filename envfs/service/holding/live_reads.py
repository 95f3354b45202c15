"""The logged reads that count for the processes of now: those of processes that live, and of some that have ended.

Laws: a process is the one of an entry if number, start and boot are the same. So many reads are held and no more. The
others are said to be left out.
"""

import json
import re
from typing import NamedTuple

from envfs.core.access_request import Channel
from envfs.core.entry_reader import Body, EntryReader
from envfs.core.logged_reads import LoggedMove, LoggedRead, meaning_of
from envfs.core.operations import Operation
from envfs.host import clocks
from envfs.host.callers import process_tree
from envfs.host.callers.process_tree import Processes
from envfs.host.evidence.process_files import ProcessStat

_SLACK_SECONDS = 1.0  # of two clocks, where an entry does not name its process
_MOST_READS, _MOST_ENDED = 50_000, 4_096
_PID = re.compile(rb'"pid":(\d{1,10}),')
_MOVE = f'"operation":"{Operation.MOVE}"'.encode()
_EXEC, _MOUNT = (f'"channel":"{channel}"'.encode() for channel in (Channel.EXEC, Channel.MOUNT))
_PROGRAM = re.compile(rb'"executable":"([^"]*)"')


class Times(NamedTuple):
    """When something was logged for the first time and the last time (UTC)."""

    first: str
    last: str


def _both(body: Body) -> tuple[LoggedRead, LoggedRead] | LoggedMove | None:
    meaning = meaning_of(body)
    match meaning:
        case LoggedRead():
            return meaning, meaning.of_any_process
        case LoggedMove():
            return meaning
        case _:
            return None


class LiveReads:
    """Takes the lines of a log in their order.

    `reads` are those of processes that live, `ended` those of others, by which a process that descends from one of them
    may have a value. `moves` are versions that a move wrote, by the new level.
    """

    def __init__(self, processes: Processes) -> None:
        """Start having taken none. `processes` are those that live. For a thread."""
        self.processes = processes
        self._keys = {pid: process_tree.key_of(stat) for pid, stat in processes.items()}
        self._left = {json.dumps(path)[1:-1].encode() for path in process_tree.programs_of_left_forks(processes)}
        self._oldest = clocks.time_of_boot_seconds(0)
        self._reader = EntryReader(_both)
        self.reads: dict[LoggedRead, Times] = {}
        self.ended: dict[LoggedRead, Times] = {}
        self.moves: dict[str, set[int]] = {}
        self.left_out = 0

    def take(self, line: bytes) -> None:
        """Take one entry."""
        match = _PID.search(line)
        lives = match is not None and int(match[1]) in self._keys
        if not lives and _MOVE not in line and not self._may_have_left(line):
            return
        entry = self._reader.read(line)
        if entry is None:
            return
        time, meaning = entry
        if isinstance(meaning, LoggedMove):
            self.moves.setdefault(meaning.level, set()).add(meaning.version)
        elif meaning is not None:
            read, of_any_process = meaning
            if lives and self._is_of_now(read, time):
                self._keep(self.reads, read, time)
            elif time >= self._oldest:
                self._keep_ended(of_any_process, time)

    def _may_have_left(self, line: bytes) -> bool:
        # most lines need no reading: of a process that ended, and left none that could have a value from it
        if _MOUNT not in line:
            return _EXEC in line
        program = _PROGRAM.search(line) if self._left else None
        return program is not None and program[1] in self._left

    def _is_of_now(self, read: LoggedRead, time: str) -> bool:
        if read.process:
            return read.process == self._keys[read.pid]
        stat: ProcessStat = self.processes[read.pid]
        return stat.started <= clocks.boot_seconds_of(time) + _SLACK_SECONDS

    def _keep(self, among: dict[LoggedRead, Times], read: LoggedRead, time: str) -> None:
        if read in among:
            among[read] = Times(among[read].first, time)
        elif len(among) < _MOST_READS:
            among[read] = Times(time, time)
        else:
            self.left_out += 1

    def _keep_ended(self, read: LoggedRead, time: str) -> None:
        times = self.ended.pop(read, Times(time, time))
        while len(self.ended) >= _MOST_ENDED:  # the latest ones count
            del self.ended[next(iter(self.ended))]
        self.ended[read] = Times(times.first, time)

"""Counting what the access log says of readings over a time: by whom, of what, how often, and what was refused.

Law: a log of any length takes bounded memory. Kinds over the bound are counted as left out, and that is said.
"""

from typing import NamedTuple

from envfs.core.entry_reader import Body, EntryReader
from envfs.core.logged_reads import LoggedMove, LoggedRead, LoggedRefusal, meaning_of

_MOST_KINDS, _MOST_PROCESSES = 20_000, 200_000


class AccessTally(NamedTuple):
    """How often something was, when for the first time and the last one (UTC), and by how many processes."""

    times: int
    first: str
    last: str
    processes: int = 0


class _Counted(NamedTuple):
    """The kind of an entry, for how many accesses it stands, and a number for the process (0: it does not count)."""

    what: LoggedRead | LoggedRefusal
    times: int
    process: int


def _counted(body: Body) -> _Counted | LoggedMove | None:
    meaning = meaning_of(body)
    match meaning:
        case LoggedRead():
            return _Counted(meaning.of_any_process, 1, hash(meaning))
        case LoggedRefusal():
            return _Counted(meaning._replace(times=1), meaning.times, 0)
        case _:
            return meaning


class IncidentTally:
    """Takes the lines of a log in their order. Counts those from `since` to before `until` (empty: no end)."""

    def __init__(self, since: str, until: str) -> None:
        """Start having counted none."""
        self._since, self._until = since, until
        self._reader = EntryReader(_counted)
        self._tallies: dict[LoggedRead | LoggedRefusal, AccessTally] = {}
        self._processes: set[int] = set()
        self.moves: dict[str, set[int]] = {}
        self.entries = 0
        self.left_out = 0
        self.first = ""

    def take(self, line: bytes) -> None:
        """Count one entry."""
        entry = self._reader.read(line)
        if entry is None:
            return
        time, meaning = entry
        self.first = self.first or time
        if isinstance(meaning, LoggedMove):  # of any time: a level moves after it was read
            self.moves.setdefault(meaning.level, set()).add(meaning.version)
            meaning = None
        if time < self._since or (self._until and time >= self._until):
            return
        self.entries += 1
        if meaning is not None:
            self._count(*meaning, time)

    def _count(self, what: LoggedRead | LoggedRefusal, times: int, process: int, time: str) -> None:
        tally = self._tallies.get(what)
        if tally is None and len(self._tallies) >= _MOST_KINDS:
            self.left_out += times
            return
        is_new = bool(process) and process not in self._processes and len(self._processes) < _MOST_PROCESSES
        if is_new:
            self._processes.add(process)
        if tally is None:
            self._tallies[what] = AccessTally(times, time, time, int(is_new))
        else:
            self._tallies[what] = AccessTally(tally.times + times, tally.first, time, tally.processes + is_new)

    @property
    def reads(self) -> dict[LoggedRead, AccessTally]:
        """The readings, each kind once."""
        return {read: tally for read, tally in self._tallies.items() if isinstance(read, LoggedRead)}

    @property
    def refusals(self) -> dict[LoggedRefusal, AccessTally]:
        """The refusals, each kind once."""
        return {refusal: tally for refusal, tally in self._tallies.items() if isinstance(refusal, LoggedRefusal)}

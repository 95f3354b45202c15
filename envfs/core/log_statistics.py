"""Counting entries of the access log: by level and caller, and by the hour.

Law: a log of any length takes bounded memory. Callers beyond the bound are counted together.
"""

from collections.abc import Iterator
from typing import NamedTuple

from envfs.core import audit
from envfs.core.events import EventKind
from envfs.errors import LogBroken

_MOST_CALLERS, _MOST_HOURS = 5_000, 100_000
_HOUR_CHARACTERS = len("2026-11-29T20")


class StatCaller(NamedTuple):
    """A level and a caller of it. `program` is the script or the executable, `uid` -1 none."""

    level: str
    uid: int
    program: str


class StatNumbers(NamedTuple):
    """How many reads, refusals, alarms and other entries there were, and the times of the first and the last one."""

    reads: int = 0
    refusals: int = 0
    alarms: int = 0
    others: int = 0
    first: str = ""
    last: str = ""


OTHERS = StatCaller("", -1, "others")


class Statistics:
    """Takes lines in their order. One that is no entry is not counted."""

    def __init__(self) -> None:
        """Start having counted none."""
        self._callers: dict[StatCaller, StatNumbers] = {}
        self._hours: dict[str, list[int]] = {}

    def take(self, line: bytes) -> None:
        """Count one entry."""
        try:
            body = audit.parse_log_entry(line, 0)
        except LogBroken:
            return
        if "uid" not in body:
            return  # the log's own
        times = body.get("times", 1)
        column, count = _column(body.get("event")), times if isinstance(times, int) else 1
        time = str(body.get("time", ""))
        self._count_caller(_caller(body), column, count, time)
        hour = time[:_HOUR_CHARACTERS]
        if hour in self._hours or len(self._hours) < _MOST_HOURS:
            self._hours.setdefault(hour, [0, 0, 0, 0])[column] += count

    def _count_caller(self, caller: StatCaller, column: int, count: int, time: str) -> None:
        if caller not in self._callers and len(self._callers) >= _MOST_CALLERS:
            caller = OTHERS
        before = self._callers.get(caller, StatNumbers(first=time))
        numbers = [before.reads, before.refusals, before.alarms, before.others]
        numbers[column] += count
        reads, refusals, alarms, others = numbers
        self._callers[caller] = StatNumbers(reads, refusals, alarms, others, before.first, time)

    def callers(self) -> Iterator[tuple[StatCaller, StatNumbers]]:
        """Yield each caller of each level, those with the most accesses first."""
        yield from sorted(self._callers.items(), key=lambda item: (-sum(item[1][:4]), item[0]))

    def hours(self) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
        """Yield each hour in which something happened, as the time of its begin, and the four numbers."""
        for hour, (reads, refusals, alarms, others) in sorted(self._hours.items()):
            yield f"{hour}:00:00Z", (reads, refusals, alarms, others)


def _column(event: object) -> int:
    match event:
        case EventKind.READ:
            return 0
        case EventKind.REFUSE:
            return 1
        case EventKind.CANARY:
            return 2
        case _:
            return 3


def _caller(body: dict[str, object]) -> StatCaller:
    uid = body.get("uid")
    program = body.get("script") or body.get("executable") or body.get("command") or ""
    return StatCaller(str(body.get("level", "")), uid if isinstance(uid, int) else -1, str(program))

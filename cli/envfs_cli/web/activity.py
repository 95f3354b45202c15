"""Reads over time, from the entries of the access log: bars of a chart, callers, and the entries themselves.

Law: a read is one of values. Looks at names, presence and history are entries of their own kind, and are not counted:
this page makes them itself.
"""

import json
import time
from collections import deque
from datetime import UTC, datetime, timedelta

from envfs.core.events import EventKind
from envfs.core.log_statistics import StatCaller, Statistics, StatNumbers
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_ENTRIES, _MOST_SHOWN = 20_000, 100
_SUBJECT = ("channel", "format", "operation")
VALUES = ("dotenv", "json", "environ", "value", "own", "proxy")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_DAYS_OF_HOURS = 2  # so many days at most are shown by the hour


class Bar(NamedTuple):
    """An hour or a day: what it is called, and how many reads and refusals it has."""

    name: str
    reads: int
    refusals: int


class ShownEntry(NamedTuple):
    """An entry of the log: when, what happened to which level, and who did it. A uid of -1 is none."""

    time: str
    event: str
    level: str
    version: str
    subject: str
    uid: int
    program: str
    rule: str


class Activity(NamedTuple):
    """The sums of entries of the log, and the newest ones. `is_cut`: there are more, which are older."""

    bars: "list[Bar]"
    callers: "list[tuple[StatCaller, StatNumbers]]"
    entries: "list[ShownEntry]"
    is_cut: bool

    @property
    def most(self) -> int:
        """Return the height of the highest bar."""
        return max((bar.reads + bar.refusals for bar in self.bars), default=0)


def entry_of(line: str) -> "dict[str, object]":
    """Return the members of an entry. Empty for a line that is none."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def is_look(entry: "dict[str, object]") -> bool:
    """Tell whether somebody looked at names, presence or history."""
    return entry.get("event") == "read" and entry.get("format") not in VALUES


def sum_up(lines: "list[str]", days: int, now: float) -> Activity:
    """Count in the lines of the log, for a chart of so many days up to `now`."""
    statistics, entries = Statistics(), deque[dict[str, object]](maxlen=_MOST_SHOWN)
    for line in lines:
        entry = entry_of(line)
        if not is_look(entry) and entry.get("event") != EventKind.CHECKPOINT:
            statistics.take(line.encode())
            entries.append(entry)
    return Activity(
        _bars(list(_local_hours(statistics)), days, datetime.fromtimestamp(now, UTC).astimezone()),
        [(caller, numbers) for caller, numbers in statistics.callers() if sum(numbers[:3])],
        [_shown(entry) for entry in reversed(entries)],
        len(lines) >= MOST_ENTRIES,
    )


def _local_hours(statistics: Statistics) -> "Iterator[tuple[datetime, int, int]]":
    for start, (reads, refusals, *_) in statistics.hours():
        try:
            yield datetime.fromisoformat(start).astimezone(), reads, refusals
        except (ValueError, OverflowError):
            continue  # a line whose time is none


def _shown(entry: "dict[str, object]") -> ShownEntry:
    texts = {name: str(text) for name, text in entry.items()}
    uid = entry.get("uid")
    return ShownEntry(
        time=texts.get("time", ""),
        event=texts.get("event", "no entry"),
        level=texts.get("level", ""),
        version=texts.get("version", ""),
        subject=" ".join(texts[name] for name in _SUBJECT if name in texts),
        uid=uid if isinstance(uid, int) else -1,
        program=texts.get("script") or texts.get("executable") or texts.get("command", ""),
        rule=texts.get("rule", ""),
    )


def _bars(hours: "Iterable[tuple[datetime, int, int]]", days: int, now: datetime) -> "list[Bar]":
    form, step = ("%d %b %H:00", _HOUR) if days <= _DAYS_OF_HOURS else ("%d %b", _DAY)
    count = days * 24 if step == _HOUR else days
    sums = {(now - step * back).strftime(form): [0, 0] for back in reversed(range(count))}
    for start, reads, refusals in hours:
        numbers = sums.get(start.strftime(form))
        if numbers is not None:
            numbers[0] += reads
            numbers[1] += refusals
    return [Bar(name, *numbers) for name, numbers in sums.items()]


def time_before(days: int, now: float) -> str:
    """Return the time so many days before, as an entry has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now - days * 86_400))

"""The number of events that this process wrote into the access log, by kind.

Law: a level is counted by its name only where something of it was served, so a stranger's words take no room here.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from envfs.core.access_request import Channel, Format
from envfs.core.events import Event, EventKind

_READ = EventKind.READ


class EventCount(NamedTuple):
    """So many events of a kind. Of reads also by level, channel and format, of refusals by channel."""

    kind: EventKind
    channel: Channel | None
    format: Format | None
    level: str
    times: int


class EventCounts:
    """Counts events since the process began."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: dict[tuple[EventKind, Channel | None, Format | None, str], int] = defaultdict(int)

    def count(self, event: Event) -> None:
        """Count one that was written."""
        if event.kind is _READ:
            self._counts[event[0], event[1], event[4], event[2]] += 1
        else:
            self._counts[event[0], event[1], None, ""] += event.times

    def __iter__(self) -> Iterator[EventCount]:
        """Return the counts, in no order."""
        for key, count in self._counts.items():
            yield EventCount(*key, count)

    def total(self, kind: EventKind) -> int:
        """Return how many there were of a kind."""
        return sum(row.times for row in self if row.kind is kind)

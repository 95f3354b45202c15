"""Events are counted by kind, and reads by level as well."""

from envfs.core import events
from envfs.core.access.verdict import Decision
from envfs.core.access_request import Channel, Format
from envfs.core.events import Event, EventKind
from envfs.gate.audit_log.event_counts import EventCount, EventCounts

READ = Event(EventKind.READ, Channel.MOUNT, "/shop", 3, Format.DOTENV, "", Decision.ALLOW, "g1")


def test_reads_are_counted_by_level_and_format() -> None:
    counts = EventCounts()
    for event in (READ, READ, READ._replace(level="/blog"), READ._replace(format=Format.JSON)):
        counts.count(event)
    assert set(counts) == {
        EventCount(EventKind.READ, Channel.MOUNT, Format.DOTENV, "/shop", 2),
        EventCount(EventKind.READ, Channel.MOUNT, Format.DOTENV, "/blog", 1),
        EventCount(EventKind.READ, Channel.MOUNT, Format.JSON, "/shop", 1),
    }
    assert counts.total(EventKind.READ) == 4


def test_what_a_stranger_sent_takes_no_room_and_one_entry_may_stand_for_many() -> None:
    counts = EventCounts()
    for number in range(100):
        refused = Event(EventKind.REFUSE, Channel.SOCKET, f"/guess-{number}", decision=Decision.DENY)
        counts.count(refused._replace(times=7 if number == 0 else 1))
    assert list(counts) == [EventCount(EventKind.REFUSE, Channel.SOCKET, None, "", 106)]
    assert events.refused_token().times == 1

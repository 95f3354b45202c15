"""Entries of the access log are chosen by what stands in them, and counted within bounds."""

import json

import pytest

from envfs.core import audit, log_filter
from envfs.core.access.caller import Caller
from envfs.core.access_request import Channel, Format
from envfs.core.audit import Tip
from envfs.core.events import Event, EventKind
from envfs.core.log_filter import LogFilter
from envfs.core.log_statistics import OTHERS, Statistics
from envfs.core.origin import Origin

NODE = Caller(1000, 1000, 42, "/usr/bin/node", "/x")
AGENT = Origin("/opt/agent/main.js", "agent", ("/usr/bin/bash", "/usr/bin/node (claude)"), 7, "agent.service")
TIME = "2026-11-21T08:09:10.123456Z"
READ = Event(EventKind.READ, Channel.MOUNT, "/shop/prod", 3, Format.DOTENV)
LINE = audit.entry_line(Tip(), TIME, READ, NODE, AGENT)


@pytest.mark.parametrize(
    ("criteria", "takes"),
    [
        (LogFilter(), True),
        (LogFilter(level="/shop"), True),
        (LogFilter(level="/"), True),
        (LogFilter(level="/shop/prod"), True),
        (LogFilter(level="/sho"), False),
        (LogFilter(level="/shop/prod/x"), False),
        (LogFilter(uid=1000), True),
        (LogFilter(uid=100), False),
        (LogFilter(uid=0), False),
        (LogFilter(exe="/usr/bin/node"), True),
        (LogFilter(exe="node"), True),
        (LogFilter(exe="nod"), False),
        (LogFilter(exe="main.js"), True),
        (LogFilter(exe="/opt/*"), True),
        (LogFilter(exe="agent"), True),
        (LogFilter(exe="bash"), False),
        (LogFilter(under="bash"), True),
        (LogFilter(under="claude"), True),
        (LogFilter(under="/usr/bin/node"), True),
        (LogFilter(under="cla"), False),
        (LogFilter(event="read"), True),
        (LogFilter(event="rea"), False),
        (LogFilter(decision="deny"), False),
        (LogFilter(since="2026-11-21T08:09:10"), True),
        (LogFilter(since="2026-11-21T08:09:11"), False),
        (LogFilter(until="2026-11-21T08:09:11"), True),
        (LogFilter(until="2026-11-21T08:09:10"), False),
        (LogFilter(level="/shop", uid=1000, event="read", under="claude"), True),
        (LogFilter(level="/shop", uid=1001, event="read"), False),
    ],
)
def test_an_entry_is_taken_if_it_has_all_that_is_asked_for(criteria: LogFilter, takes: bool) -> None:
    assert log_filter.acceptor(criteria)(LINE) is takes


@pytest.mark.parametrize("line", [b"garbage\n", b"\n", b'{"a":1', b"\xff\n"])
def test_a_line_that_is_no_entry_is_never_hidden(line: bytes) -> None:
    assert log_filter.acceptor(LogFilter(uid=7, event="read"))(line)
    assert log_filter.acceptor(LogFilter(level="/shop"))(line)


def test_a_level_whose_text_holds_another_entry_is_no_such_entry() -> None:
    hostile = READ._replace(level='/x","event":"refuse","uid":7,"')
    line = audit.entry_line(Tip(), TIME, hostile, NODE, AGENT)
    assert not log_filter.acceptor(LogFilter(event="refuse"))(line)
    assert not log_filter.acceptor(LogFilter(uid=7))(line)


def test_accesses_are_counted_by_level_caller_and_hour() -> None:
    statistics = Statistics()
    refused = Event(EventKind.REFUSE, Channel.MOUNT, "/shop/prod", times=40)
    lines = [
        LINE,
        LINE,
        audit.entry_line(Tip(), "2026-11-21T09:00:00.000000Z", refused, NODE, AGENT),
        audit.entry_line(Tip(), "2026-11-21T09:30:00.000000Z", READ, NODE._replace(uid=7), Origin()),
        audit.entry_line(Tip(), TIME, Event(EventKind.MEND), None),
        b"garbage\n",
    ]
    for line in lines:
        statistics.take(line)
    (first, numbers), (second, _) = statistics.callers()
    assert (first.uid, first.program, numbers[:4]) == (1000, "/opt/agent/main.js", (2, 40, 0, 0))
    assert (second.uid, second.program) == (7, "/usr/bin/node")
    assert list(statistics.hours()) == [("2026-11-21T08:00:00Z", (2, 0, 0, 0)), ("2026-11-21T09:00:00Z", (1, 40, 0, 0))]


def test_a_log_of_many_callers_takes_bounded_memory() -> None:
    statistics = Statistics()
    for uid in range(6_000):
        statistics.take(
            json.dumps({"seq": 1, "event": "read", "uid": uid, "level": "/x", "time": f"{uid}"}).encode() + b"\n"
        )
    counted = dict(statistics.callers())
    assert len(counted) == 5_001
    assert counted[OTHERS].reads == 1_000

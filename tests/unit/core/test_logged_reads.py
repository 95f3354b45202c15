"""What entries of the access log say of values that were given: read from their lines, and counted."""

import json

import pytest

from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.access.face import Face
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.audit import Tip
from envfs.core.entry_reader import EntryReader
from envfs.core.events import Event, Served
from envfs.core.incident_tally import IncidentTally
from envfs.core.logged_reads import LoggedMove, LoggedRead, LoggedRefusal, meaning_of
from envfs.core.operations import Operation
from envfs.core.origin import Origin, process_key

ALLOW = Verdict(Decision.ALLOW, "g1 uid 7 /")
CALLER = Caller(7, 7, 42, "/usr/bin/app", "/system.slice/app.service")
ORIGIN = Origin("/srv/app.py", "", ("/usr/bin/node (claude)", "/usr/bin/bash"), 9, "app.service", "0123abcd-5")
VIEW = AccessRequest("/shop/prod", Channel.MOUNT, Format.DOTENV)


def line(event: Event, caller: Caller = CALLER, origin: Origin = ORIGIN, second: int = 0) -> bytes:
    return audit.entry_line(Tip(3), f"2026-11-21T08:09:{second:02d}.123456Z", event, caller, origin)


def body(text: bytes) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_a_read_says_which_versions_and_which_process() -> None:
    read = meaning_of(body(line(events.read(VIEW, Served(4, (1, 0)), ALLOW))))
    assert isinstance(read, LoggedRead)
    assert (read.level, read.version, read.above, read.places) == ("/shop/prod", 4, (1, 0), ())
    assert (read.uid, read.pid, read.process, read.agent, read.parent) == (
        *(7, 42, "0123abcd-5"),
        *("claude", "/usr/bin/node (claude)"),
    )
    assert read.of_any_process == read._replace(pid=0, process="", session=0)


@pytest.mark.parametrize(
    ("request_", "route"),
    [
        (VIEW, "mount"),
        (VIEW._replace(format=Format.VALUE), ".vars"),
        (VIEW._replace(version=2), ".history"),
        (VIEW._replace(channel=Channel.EXEC, format=Format.ENVIRON), "exec"),
    ],
)
def test_the_folders_of_the_mount_are_told_apart(request_: AccessRequest, route: str) -> None:
    read = meaning_of(body(line(events.read(request_, Served(2), ALLOW))))
    assert isinstance(read, LoggedRead)
    assert read.route == route


@pytest.mark.parametrize(
    "event",
    [
        events.read(VIEW, Served(2), Verdict(Decision.MASK, "g1")),
        events.read(VIEW._replace(format=Format.NAMES), Served(2), ALLOW),
        events.read(VIEW._replace(format=Format.EXAMPLE), Served(2), ALLOW),
        events.read(VIEW._replace(format=Format.OWN, channel=Channel.SOCKET), Served(2), ALLOW),  # a copy
        events.written("/shop", 2, Operation.SET),
        events.started(),
    ],
)
def test_nothing_else_is_taken_for_a_value(event: Event) -> None:
    assert meaning_of(body(line(event))) is None


def test_an_entry_of_an_older_release_does_not_say_what_was_above() -> None:
    text = line(events.read(VIEW, Served(4), ALLOW), origin=ORIGIN._replace(process=""))
    read = meaning_of(body(text))
    assert isinstance(read, LoggedRead)
    assert (read.above, read.process) == (None, "")


def test_moves_and_refusals_are_told() -> None:
    assert meaning_of(body(line(events.written("/new", 3, Operation.MOVE)))) == LoggedMove("/new", 3)
    refusal = meaning_of(body(line(events.refused(VIEW, "no grant")._replace(times=5))))
    assert isinstance(refusal, LoggedRefusal)
    assert (refusal.level, refusal.what, refusal.rule, refusal.times) == ("/shop/prod", "dotenv", "no grant", 5)


def test_a_rule_with_some_names_and_places_are_in_the_entry() -> None:
    some = ALLOW._replace(face=Face(only=("A*",)))
    entry = body(line(events.read(VIEW._replace(format=Format.VALUE), Served(4, (), (3, -1)), some)))
    assert (entry["places"], entry["some"]) == ([3, -1], True)
    assert "past" not in entry


@pytest.mark.parametrize(
    "members", [{"above": "x"}, {"above": [1, "x", None]}, {"pid": "42"}, {"places": {}}, {"uid": 1.5}]
)
def test_a_bent_member_is_no_number(members: dict[str, object]) -> None:
    text = body(line(events.read(VIEW, Served(4, (1, 0)), ALLOW)))
    read = meaning_of(text | members)
    assert isinstance(read, LoggedRead)
    numbers = (*(read.above or ()), *read.places, read.pid, read.uid)
    assert all(type(number) is int for number in numbers)


def test_lines_that_are_alike_are_read_once_and_others_as_they_are() -> None:
    asked: list[dict[str, object]] = []
    reader = EntryReader(lambda read: asked.append(read) or len(asked))  # type: ignore[func-returns-value]
    event = events.read(VIEW, Served(4, (1, 0)), ALLOW)
    one, two = reader.read(line(event)), reader.read(line(event, second=1))
    assert one is not None
    assert two is not None
    assert (one.meaning, two.meaning, one.time < two.time) == (1, 1, True)
    parsed = body(line(event))
    assert asked[0] == {name: value for name, value in parsed.items() if name not in ("seq", "time", "prev")}
    assert reader.read(b'{"seq": 1, "time": "x", "event": "read"}\n') is not None
    assert len(asked) == 2
    for text in (b"", b"{}", b"no entry\n", b"[1]\n", line(event)[:-1], line(event)[5:]):
        assert reader.read(text) is None


def test_a_process_is_named_by_boot_and_start() -> None:
    assert process_key("0123abcd-ef", 12.3) == "0123abcd-1230"


def test_the_tally_counts_a_kind_once_and_within_the_time() -> None:
    tally = IncidentTally("2026-11-21T08:09:01", "2026-11-21T08:09:04")
    event = events.read(VIEW, Served(4, (1, 0)), ALLOW)
    for second in range(6):
        tally.take(line(event, CALLER._replace(pid=40 + second // 2), second=second))
    tally.take(line(events.written("/new", 3, Operation.MOVE), second=50))
    tally.take(line(events.refused(VIEW, "no grant")._replace(times=5), second=3))
    tally.take(b"no entry\n")
    (counted,) = tally.reads.values()
    assert (counted.times, counted.processes, counted.first[17:19], counted.last[17:19]) == (3, 2, "01", "03")
    assert [each.times for each in tally.refusals.values()] == [5]
    assert tally.moves == {"/new": {3}}
    assert (tally.entries, tally.left_out) == (4, 0)


def test_the_tally_is_bounded_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envfs.core.incident_tally._MOST_KINDS", 3)
    tally = IncidentTally("", "")
    for version in range(5):
        tally.take(line(events.read(VIEW, Served(version, (1, 0)), ALLOW)))
    assert (len(tally.reads), tally.left_out) == (3, 2)

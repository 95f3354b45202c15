"""The access log's chain: whatever is done to a line shows at that line."""

import hashlib
import itertools
import json

import pytest

from envfs.core import audit, events
from envfs.core.access.caller import Caller
from envfs.core.access.verdict import Decision, Verdict
from envfs.core.access_request import AccessRequest, Channel, Format
from envfs.core.audit import LoggedCheckpoint, Tip
from envfs.core.events import Event, EventKind, Served
from envfs.core.operations import Operation
from envfs.errors import LogBroken

TIME = "2026-11-21T08:09:10.123456Z"
CALLER = Caller(1000, 100, 42, "/usr/bin/python3", "/user.slice")
VIEW = AccessRequest("/shop/prod", Channel.MOUNT, Format.DOTENV)
NAMES = AccessRequest("/", Channel.SOCKET, Format.NAMES)
EVENTS: list[tuple[Event, Caller | None]] = [
    (events.started(), None),
    (events.read(VIEW, Served(7), Verdict(Decision.ALLOW, "uid 1000 /")), CALLER),
    (events.refused(NAMES, "no grant")._replace(times=12), Caller(1001, 1001, 43)),
    (events.written("/shop", 8, Operation.SET), CALLER),
    (Event(EventKind.STOP), None),
]


def chain() -> list[bytes]:
    tip, lines = Tip(), []
    for event, caller in EVENTS:
        lines.append(audit.entry_line(tip, TIME, event, caller))
        tip = audit.tip_after(tip, lines[-1])
    return lines


def broken_at(lines: list[bytes]) -> str:
    with pytest.raises(LogBroken) as caught:
        list(audit.walk_chain(lines))
    return caught.value.text


def test_a_chain_is_followed_to_its_end() -> None:
    lines = chain()
    found = list(audit.walk_chain(lines))
    assert [body["event"] for _, body in found] == [event.kind for event, _ in EVENTS]
    assert found[-1][0] == Tip(len(lines), hashlib.sha256(lines[-1]).hexdigest())


def test_a_chain_whose_entries_have_members_of_another_release_is_followed_all_the_same() -> None:
    tip, lines = Tip(), []
    for number in (1, 2):
        body = {"seq": number, "time": TIME, "event": "read", "door": "mount", "form": "dotenv", "prev": tip.digest}
        lines.append(json.dumps(body).encode() + b"\n")
        tip = audit.tip_after(tip, lines[-1])
    assert [end for end, _ in audit.walk_chain(lines)][-1] == tip


def test_nothing_is_a_whole_chain() -> None:
    assert list(audit.walk_chain([])) == []
    assert Tip() == Tip(0, "0" * 64)


def test_each_line_names_the_hash_of_the_line_before() -> None:
    lines = chain()
    assert json.loads(lines[0])["prev"] == "0" * 64
    for before, text in itertools.pairwise(lines):
        assert json.loads(text)["prev"] == hashlib.sha256(before).hexdigest()


def test_an_entry_says_who_what_and_when_and_leaves_out_what_is_empty() -> None:
    bodies = [json.loads(text) for text in chain()]
    prevs = [body.pop("prev") for body in bodies]
    assert len(set(prevs)) == len(prevs)
    assert bodies == [
        {"seq": 1, "time": TIME, "event": "start", "channel": "daemon"},
        {
            "seq": 2,
            "time": TIME,
            "event": "read",
            "uid": 1000,
            "gid": 100,
            "pid": 42,
            "executable": "/usr/bin/python3",
            "cgroup": "/user.slice",
            "channel": "mount",
            "level": "/shop/prod",
            "version": 7,
            "format": "dotenv",
            "decision": "allow",
            "rule": "uid 1000 /",
        },
        {
            "seq": 3,
            "time": TIME,
            "event": "refuse",
            "uid": 1001,
            "gid": 1001,
            "pid": 43,
            "channel": "socket",
            "level": "/",
            "format": "names",
            "decision": "deny",
            "rule": "no grant",
            "times": 12,
        },
        {
            "seq": 4,
            "time": TIME,
            "event": "write",
            "uid": 1000,
            "gid": 100,
            "pid": 42,
            "executable": "/usr/bin/python3",
            "cgroup": "/user.slice",
            "channel": "socket",
            "level": "/shop",
            "version": 8,
            "operation": "set",
            "decision": "allow",
            "rule": "owner",
        },
        {"seq": 5, "time": TIME, "event": "stop"},
    ]


@pytest.mark.parametrize(
    "event",
    [
        Event(EventKind.REFUSE, level='a\nb/"\\', operation="\x00\x1b[31m\u2028", rule="é\ud800"),
        Event(EventKind.READ, rule="x" * 10_000),
    ],
)
def test_an_entry_is_one_line_of_ascii_whatever_is_in_it(event: Event) -> None:
    text = audit.entry_line(Tip(), TIME, event, Caller(1, 1, 1, "/tmp/\udcff\n", "\r"))
    assert text.isascii()
    assert text.count(b"\n") == 1
    assert b"\r" not in text
    assert b"\x1b" not in text
    assert json.loads(text)["rule"] == event.rule


@pytest.mark.parametrize("place", range(len(EVENTS)))
def test_a_dropped_line_is_noticed_at_its_place(place: int) -> None:
    lines = chain()
    del lines[place]
    if place == len(EVENTS) - 1:
        assert list(audit.walk_chain(lines))[-1][0].seq == place  # only who remembers the end can tell
    else:
        assert f"line {place + 1}:" in broken_at(lines)


@pytest.mark.parametrize("place", range(len(EVENTS) - 1))
def test_two_swapped_lines_are_noticed_at_the_first(place: int) -> None:
    lines = chain()
    lines[place : place + 2] = reversed(lines[place : place + 2])
    assert f"line {place + 1}:" in broken_at(lines)


@pytest.mark.parametrize("place", range(len(EVENTS) + 1))
def test_an_inserted_line_is_noticed(place: int) -> None:
    lines = chain()
    lines.insert(place, audit.entry_line(Tip(place, "0" * 64), TIME, Event(EventKind.READ, Channel.MOUNT, "/"), CALLER))
    expected = place + 2 if place == 0 else place + 1  # a first entry is a good first entry; the second then is not
    assert f"line {expected}:" in broken_at(lines)


@pytest.mark.parametrize("place", range(len(EVENTS)))
def test_a_line_that_stands_twice_is_noticed(place: int) -> None:
    lines = chain()
    lines.insert(place, lines[place])
    assert f"line {place + 2}:" in broken_at(lines)


def test_another_last_line_gives_another_tip() -> None:
    lines = chain()
    other = [*lines[:-1], lines[-1].replace(b"stop", b"stap")]
    assert list(audit.walk_chain(other))[-1][0] != list(audit.walk_chain(lines))[-1][0]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"hunter2\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b'{"seq":1,"prev":"' + b"0" * 64 + b'"}',  # no line end: half written
        b'{"seq":"1","prev":"' + b"0" * 64 + b'"}\n',
        b'{"seq":true,"prev":"' + b"0" * 64 + b'"}\n',
        b'{"seq":1.0,"prev":"' + b"0" * 64 + b'"}\n',
        b'{"seq":2,"prev":"' + b"0" * 64 + b'"}\n',
        b'{"seq":1,"prev":"' + b"0" * 63 + b'"}\n',
        b'{"seq":1,"prev":0}\n',
    ],
)
def test_what_is_no_entry_breaks_the_log_at_its_line_and_is_not_quoted(text: bytes) -> None:
    message = broken_at([text])
    assert "line 1:" in message
    assert "hunter2" not in message


def test_a_chain_can_be_followed_from_any_point() -> None:
    lines = chain()
    middle = list(audit.walk_chain(lines[:2]))[-1][0]
    assert list(audit.walk_chain(lines[2:], middle))[-1][0] == list(audit.walk_chain(lines))[-1][0]
    with pytest.raises(LogBroken, match="line 3:"):
        list(audit.walk_chain(lines[3:], middle))


def test_a_checkpoint_is_an_entry_of_the_chain_and_is_found_again() -> None:
    lines = chain()
    tip = list(audit.walk_chain(lines))[-1][0]
    lines.append(audit.checkpoint_line(tip, TIME, LoggedCheckpoint(*tip, "c2lnbmF0dXJl", 3)))
    after = list(audit.walk_chain(lines))[-1]
    assert after[0].seq == tip.seq + 1
    assert audit.find_checkpoint(after[1]) == LoggedCheckpoint(tip.seq, tip.digest, "c2lnbmF0dXJl", 3)


def test_a_checkpoint_names_the_entry_that_it_signs_where_others_came_meanwhile() -> None:
    lines = chain()
    first, last = (list(audit.walk_chain(lines))[number][0] for number in (0, -1))
    lines.append(audit.checkpoint_line(last, TIME, LoggedCheckpoint(*first, "c2ln")))
    body = list(audit.walk_chain(lines))[-1][1]
    assert (body["entry"], body["digest"]) == first
    assert audit.find_checkpoint(body) == LoggedCheckpoint(*first, "c2ln")


@pytest.mark.parametrize("member", [{"entry": "1"}, {"entry": 1.0}, {"record": None}, {"record": True}])
def test_a_checkpoint_whose_numbers_are_none_is_refused(member: dict[str, object]) -> None:
    with pytest.raises(LogBroken, match="line 2: it is no checkpoint"):
        audit.find_checkpoint({"seq": 2, "event": "checkpoint", "prev": "0" * 64, "signature": "c2ln", **member})


def test_other_entries_are_no_checkpoints() -> None:
    assert [audit.find_checkpoint(body) for _, body in audit.walk_chain(chain())] == [None] * len(EVENTS)


@pytest.mark.parametrize("signature", [None, 7, [], ""])
def test_a_checkpoint_without_a_signature_is_one_that_no_key_signed(signature: object) -> None:
    body = {"seq": 1, "event": "checkpoint", "prev": "0" * 64, "signature": signature}
    found = audit.find_checkpoint(body)
    assert found is not None
    assert isinstance(found.signature, str)


def test_what_a_checkpoint_signs_names_number_and_digest() -> None:
    texts = {audit.checkpoint_text(1, "ab"), audit.checkpoint_text(11, "b"), audit.checkpoint_text(1, "b")}
    assert len(texts) == 3
    assert audit.checkpoint_text(7, "ab") == b"envfs/1/log 7 ab"

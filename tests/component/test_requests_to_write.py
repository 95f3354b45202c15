"""Requests that write levels and grants: what changes, what is refused, what is on the log."""

import os
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
import trio

from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.events import Event
from envfs.dotenv.document import parse_document
from envfs.errors import StoreUnavailable
from envfs.host import private_files
from envfs.protocol import control
from envfs.service.access import grants
from tests.component.requesting import CASES, code, snapshot
from tests.component.world import LATER, ME, STRANGER, World, run

R = control


def test_writing_says_what_changed_and_is_on_the_log(world: World) -> None:
    before = len(world.entries())
    written = run(lambda: world.ask(R.SetVariable("/shop", "LOG"), secret=b"trace"))
    assert written == R.Written("/shop", 2, (), ("LOG",), ())
    entry = world.entries()[before]
    assert [entry[key] for key in ("event", "level", "version", "operation", "uid")] == [
        "write",
        "/shop",
        2,
        "set",
        ME.uid,
    ]
    assert "trace" not in Path(world.places.log).read_text()


@pytest.mark.parametrize(
    ("asked", "secret", "text"),
    [
        (R.SetVariable("/blog", "A"), b"1\n", "TITLE='My blog'\nA=\"1\n\"\n"),
        (R.SetVariable("/blog", "A", trim=True), b"1\n", "TITLE='My blog'\nA=1\n"),
        (R.SetVariables("/blog", ("A", "TITLE")), b"1\0x\0", "TITLE=x\nA=1\n"),
        (R.UnsetVariable("/blog", "TITLE"), None, ""),
        (R.ImportText("/blog"), b"# c\nA=1\n", "TITLE='My blog'\nA=1\n"),
        (R.ImportText("/blog", replace=True), b"# c\nA=1\n", "# c\nA=1\n"),
    ],
)
def test_a_level_is_changed_as_asked(world: World, asked: NamedTuple, secret: bytes | None, text: str) -> None:
    run(lambda: world.ask(R.ImportText("/", replace=True), secret=b""))
    reply = run(lambda: world.ask(asked, secret=secret))
    assert isinstance(reply, R.Written), reply
    shown = run(lambda: world.sent(R.ReadView("/blog", "dotenv", "export"))).blob.decode()
    assert parse_document(shown).variables() == parse_document(text).variables()


def test_what_changes_nothing_makes_no_version(world: World) -> None:
    reply = run(lambda: world.ask(R.SetVariable("/shop", "LOG"), secret=b"debug"))
    assert reply == R.Written("/shop", 1, notes=("nothing changed",))


def test_a_rollback_is_a_new_version_with_the_old_text(world: World) -> None:
    async def main() -> None:
        await world.write("/shop", "A=2\n")
        assert await world.ask(R.Rollback("/shop", 1)) == R.Written("/shop", 3, ("DATABASE_URL", "LOG"), (), ("A",))
        assert (await world.sent(R.ReadView("/shop", "value", "get", ("LOG",)))).blob == b"debug"

    run(main)


BAD_WRITES: dict[str, tuple[NamedTuple, bytes | None, str]] = {
    "no value": (R.SetVariable("/shop", "A"), None, "bad-request"),
    "no text": (R.ImportText("/shop"), None, "bad-request"),
    "a bad level": (R.SetVariable("/shop/.x", "A"), b"1", "bad-name"),
    "a bad name": (R.SetVariable("/shop", "A-B"), b"1", "bad-name"),
    "no name at all": (R.SetVariables("/shop", ()), b"", "bad-request"),
    "a name twice": (R.SetVariables("/shop", ("A", "A")), b"1\0" + b"2\0", "bad-request"),
    "a value too few": (R.SetVariables("/shop", ("A", "B")), b"1\0", "malformed"),
    "a nul": (R.SetVariable("/shop", "A"), b"1\0", "malformed"),
    "no utf-8": (R.SetVariable("/shop", "A"), b"\xff", "malformed"),
    "a long value": (R.SetVariable("/shop", "A"), b"x" * 200_000, "too-large"),
    "a text with a fault": (R.ImportText("/shop"), b"A\n", "malformed"),
    "rename of nothing": (R.RenameVariable("/blog", "NOPE", "A"), None, "no-such-variable"),
    "rename to what is there": (R.RenameVariable("/shop", "LOG", "DATABASE_URL"), None, "already-exists"),
    "rename to no name": (R.RenameVariable("/shop", "LOG", "a-b"), None, "bad-name"),
    "unset of nothing": (R.UnsetVariable("/shop", "NOPE"), None, "no-such-variable"),
    "unset where there is no text": (R.UnsetVariable("/shop/prod/eu", "A"), None, "no-such-level"),
    "rollback to 0": (R.Rollback("/shop", 0), None, "no-such-level"),
    "rollback to what is not there": (R.Rollback("/shop", 9), None, "no-such-level"),
    "rollback of no level": (R.Rollback("/nope", 1), None, "no-such-level"),
    "a text with a fault for a new project": (R.ImportText("/nope"), b"A\n", "malformed"),
    "a grant to nobody": (R.GrantAccess("/shop", -1), None, "bad-request"),
    "a grant to everybody": (R.GrantAccess("/shop", 65534), None, "bad-request"),
    "a grant to a huge uid": (R.GrantAccess("/shop", 1 << 40), None, "bad-request"),
    "a grant that ended": (R.GrantAccess("/shop", 7, -5), None, "bad-request"),
    "a grant for ages": (R.GrantAccess("/shop", 7, 10**12), None, "bad-request"),
    "a grant on no level": (R.GrantAccess("shop//", 7), None, "bad-name"),
    "revoking nothing": (R.Revoke("/shop", 7), None, "no-such-level"),
}


@pytest.mark.parametrize(("asked", "secret", "wanted"), BAD_WRITES.values(), ids=BAD_WRITES)
def test_what_cannot_be_written_is_refused_and_leaves_everything_as_it_was(
    world: World, asked: NamedTuple, secret: bytes | None, wanted: str
) -> None:
    before = snapshot(world)
    assert code(run(lambda: world.ask(asked, secret=secret))) == wanted
    assert snapshot(world) == before


def test_many_writers_at_once_each_get_a_version(world: World) -> None:
    async def main() -> None:
        async def one(number: int) -> None:
            reply = await world.ask(R.SetVariable("/shop", f"N{number}"), secret=b"1")
            assert isinstance(reply, R.Written), reply

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(one, number)
        rows = (await world.sent(R.ListVariables("/shop"))).rows
        assert {f"N{number}" for number in range(8)} <= {row.name for row in rows if isinstance(row, R.VariableRow)}

    run(main)


def test_a_grant_and_its_end_and_taking_it_back(world: World) -> None:
    run(lambda: world.ask(R.GrantAccess("/shop", STRANGER.uid)))
    assert Rule("/shop", STRANGER.uid) in world.grants()
    run(lambda: world.ask(R.GrantAccess("/shop", STRANGER.uid, 3600)))
    ending = [grant for grant in world.grants() if grant.uid == STRANGER.uid]
    assert len(ending) == 1
    assert ending[0].until
    assert ending[0].boot_until > 3600
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "ViewSent"
    rows = run(lambda: world.sent(R.ListGrants())).rows
    mine, theirs = (row for row in rows if isinstance(row, R.GrantRow))
    assert (mine.level, mine.uid, mine.seconds_left) == ("/", ME.uid, -1)
    assert (theirs.level, theirs.uid) == ("/shop", STRANGER.uid)
    assert 3000 <= theirs.seconds_left <= 3600
    run(lambda: world.ask(R.Revoke("shop", STRANGER.uid)))
    time.sleep(LATER)
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "not-approved"
    assert [entry["event"] for entry in world.entries() if entry["event"] in ("grant", "revoke")] == [
        "grant",
        "grant",
        "revoke",
    ]


def changes_of_rules(world: World) -> list[tuple[object, object]]:
    kinds = ("grant", "revoke")
    return [(entry["event"], entry["rule"]) for entry in world.entries() if entry["event"] in kinds]


def test_the_log_names_a_rule_before_it_counts_and_before_it_counts_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[str]]] = []
    append, book = world.service.log.append, world.service.book

    def appended(event: Event, caller: Caller | None) -> bytes:
        seen.append((event.kind, [rule.key for rule in book.load()]))
        return append(event, caller)

    monkeypatch.setattr(world.service.log, "append", appended)
    run(lambda: world.ask(R.GrantAccess("/shop", 7)))
    run(lambda: world.ask(R.GrantAccess("/shop", 7, 60)))
    run(lambda: world.ask(R.Revoke("/", id="g3")))
    assert [each for each in seen if each[0] in ("grant", "revoke")] == [
        ("grant", ["g1"]),
        ("grant", ["g1", "g2"]),
        ("revoke", ["g1", "g3"]),
    ]
    assert changes_of_rules(world)[-3:] == [
        ("grant", "g2 uid 7"),
        ("grant", "g3 uid 7, in place of g2"),
        ("revoke", "g3 uid 7"),
    ]


def test_the_log_says_so_where_a_rule_is_not_given_or_not_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(lambda: world.ask(R.GrantAccess("/shop", 7)))

    def full(*_: object) -> NoReturn:
        raise StoreUnavailable("no space left on device")

    monkeypatch.setattr(private_files, "write_private", full)
    assert code(run(lambda: world.ask(R.GrantAccess("/shop", 8)))) == "store-unavailable"
    assert code(run(lambda: world.ask(R.Revoke("/", id="g2")))) == "store-unavailable"
    assert changes_of_rules(world)[-4:] == [
        ("grant", "g3 uid 8"),
        ("revoke", "g3 uid 8: it was not given"),
        ("revoke", "g2 uid 7"),
        ("grant", "g2 uid 7: it could not be taken back"),
    ]
    assert [rule.key for rule in world.service.book.load()] == ["g1", "g2"]


def test_a_rule_goes_also_where_the_log_cannot_be_written(world: World) -> None:
    run(lambda: world.ask(R.GrantAccess("/shop", 7)))
    Path(world.places.log).unlink()
    assert code(run(lambda: world.ask(R.Revoke("/", id="g2")))) == "audit-unavailable"
    assert [rule.key for rule in world.service.book.load()] == ["g1"]


def test_rules_of_the_past_make_room_for_new_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    past = "2020-01-01T00:00:00.000000Z"
    world.service.book.give(Rule("/shop", 7, until=past))
    run(lambda: world.ask(R.GrantAccess("/shop", 8)))
    assert [rule.key for rule in world.service.book.load()] == ["g1", "g2", "g3"]
    monkeypatch.setattr(grants, "MOST_RULES", 12)
    run(lambda: world.ask(R.GrantAccess("/shop", 9)))
    assert [rule.key for rule in world.service.book.load()] == ["g1", "g3", "g4"]


def test_a_grant_that_ran_out_allows_nothing_and_is_not_listed(world: World) -> None:
    for seconds in (1, 4, 16):  # a busy machine may take longer than that for the first read
        begun = time.monotonic()
        run(lambda seconds=seconds: world.ask(R.GrantAccess("/shop", STRANGER.uid, seconds)))  # type: ignore[misc]
        granted = time.monotonic()
        first = code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER)))
        if time.monotonic() - begun < seconds:
            break
    assert first == "ViewSent"
    time.sleep(max(0.0, granted + seconds + 0.1 - time.monotonic()))
    assert code(run(lambda: world.ask(R.ReadView("/shop", "dotenv", "show"), STRANGER))) == "not-approved"
    rows = run(lambda: world.sent(R.ListGrants())).rows
    assert [row.uid for row in rows if isinstance(row, R.GrantRow)] == [ME.uid]


def test_a_grant_on_a_level_that_is_not_there_yet_says_so(world: World) -> None:
    reply = run(lambda: world.ask(R.GrantAccess("/later", 7)))
    assert isinstance(reply, R.RuleGiven)
    assert "/later" in reply.notes[0]


def test_descriptors_are_closed_whatever_is_asked(world: World) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for case in CASES.values():
        run(lambda: world.ask(case.request, STRANGER, b"secret"))  # noqa: B023
    for asked, secret, _ in BAD_WRITES.values():
        run(lambda: world.ask(asked, secret=secret))  # noqa: B023
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_text_that_was_made_of_another_version_is_not_written(world: World) -> None:
    async def main() -> None:
        assert await world.write("/edited", "A=1\n") == 1
        for expected in (0, 2, 10**30):
            request = R.ImportText("/edited", replace=True, expected=expected)
            assert code(await world.ask(request, secret=b"A=2\n")) == "conflict"
        request = R.ImportText("/edited", replace=True, expected=1)
        assert code(await world.ask(request, secret=b"A=2\n")) == "Written"
        assert code(await world.ask(request, secret=b"A=3\n")) == "conflict"
        assert code(await world.ask(request._replace(level="/new", expected=1), secret=b"A=3\n")) == "conflict"
        assert code(await world.ask(request._replace(level="/new", expected=0), secret=b"A=3\n")) == "Written"
        await world.ask(R.RemoveLevel("/new"))
        assert code(await world.ask(request._replace(level="/new", expected=1), secret=b"A=3\n")) == "conflict"
        assert code(await world.ask(request._replace(level="/new", expected=0), secret=b"A=3\n")) == "Written"

    run(main)

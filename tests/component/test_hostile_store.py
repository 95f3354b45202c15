"""A store whose every answer is an attacker's, with the keys of no member or with those of a former one."""

from collections.abc import Callable

import pytest
import trio

from envfs.core import record
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.members import Members
from envfs.core.record import Point
from envfs.core.secret import Secret
from envfs.errors import Conflict
from envfs.keyholder.crypto import age
from envfs.keyholder.crypto.identity import Identity, new_identity
from envfs.protocol import control
from envfs.service.members import approving
from envfs.service.members.listing import load_members, member_named
from envfs.service.members.revoking import heads_of, revoke_member
from envfs.service.members.signing import append_entry
from envfs.service.sharing.checking import CheckedRecords, Checker
from envfs.service.sharing.planning import RecordRange
from tests.component.sharing_engine import EngineInMemory, begin, joined, set_engine, until, until_equal
from tests.component.team import Team, invitation, settled
from tests.component.world import ME, run

PROD = "level/shop/prod"


def offered(team: Team, name: str, stream: str, *records: bytes, first: int = 2, newest: int = 0) -> CheckedRecords:
    """Return what a member's machine would take of records that its engine says are there."""
    last = first + len(records) - 1
    span = RecordRange(stream, first, last)
    came = dict(zip(span.record_keys(), records, strict=True))
    checker = Checker(team[name].open_vault.vault, team[name].keyholder)
    return run(lambda: checker.check((span,), came, {stream: newest or last}))[0]


def stored(team: Team, name: str, stream: str, seq: int) -> bytes:
    return (team.vault(name) / record.record_key(stream, seq)).read_bytes()


def key_of(team: Team, name: str) -> str:
    return member_named(run(lambda: load_members(team["ana"].service)), name).devices[0].author


def forged(data: bytes, author: str, members: Point) -> bytes:
    """Return a record behind `data` in the name of an author, without their key."""
    before = record.parse_record(data)
    header = before.header._replace(
        seq=before.header.seq + 1, prev=record.digest(data), author=author, members=members, note="", ext=""
    )
    return record.render_record(before._replace(header=header, protected=record.protect_header(header)))


def leave(team: Team, name: str) -> None:
    """Have a member revoke themselves, and say that nothing that they ever wrote counts."""
    number = member_named(run(lambda: load_members(team[name].service)), name).number
    entry = MemberEntry(EntryKind.REVOKE, member=number, last=())
    run(lambda: append_entry(team[name].service, ME, lambda _members: entry))


def demote(team: Team, name: str, role: str, *levels: str) -> None:
    reply = run(lambda: team["ana"].ask(control.ChangeMember(name, role, levels)))
    assert isinstance(reply, control.Done), reply


def test_nobody_adds_a_record_in_the_name_of_a_member(team: Team) -> None:
    first = stored(team, "ana", PROD, 1)
    list_before_ben = Point(1, record.digest(stored(team, "ana", record.MEMBERS, 1)))
    data = forged(first, key_of(team, "ben"), list_before_ben)
    row = offered(team, "cai", PROD, data)
    assert row.records == ()
    assert "signature is wrong" in row.fault


def test_what_a_former_member_signed_keeps_its_number(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=late\n")
    team.revoke("ana", "ben", rekey=False)
    row = offered(team, "ana", PROD, stored(team, "ben", PROD, 2))
    assert (len(row.records), row.fault) == (1, "")


def test_a_member_takes_nothing_back_where_they_may_not_write_any_more(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=ben\n")
    team.carry("ben", "ana")
    demote(team, "ben", "reader", "/shop")
    team.carry("ana", "ben")
    leave(team, "ben")
    team.carry("ben", "ana")
    assert "PAGER=ben" in team.read("ana", "/shop/prod")


def test_a_former_administrator_takes_no_key_back(team: Team) -> None:
    assert isinstance(run(lambda: team["cai"].ask(control.RotateKey("shop"))), control.Done)
    team.carry("cai", "ana")
    demote(team, "cai", "writer", "/")
    team.carry("ana", "cai")
    leave(team, "cai")
    team.carry("cai", "ana")
    assert "PAGER=on" in team.read("ana", "/shop/prod")


def test_a_former_member_and_a_store_that_withholds_change_no_text(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=forged\n")  # behind version 1, with a list of before
    team.write("ana", "/shop/prod", "PAGER=true\n")
    team.write("ana", "/shop/prod", "PAGER=truer\n")
    team.revoke("ana", "ben")
    team.carry("ana", "cai", "member", "key", "tombstone")
    team.carry("ben", "cai", "level")
    assert "PAGER=on" in team.read("cai", "/shop/prod")


def test_a_former_administrator_and_a_store_that_withholds_change_no_key(team: Team) -> None:
    for name in ("cai", "ana"):
        assert isinstance(run(lambda name=name: team[name].ask(control.RotateKey("shop"))), control.Done)  # type: ignore[misc]
    assert isinstance(run(lambda: team["ana"].ask(control.RotateKey("shop"))), control.Done)
    team.revoke("ana", "cai", rekey=False)
    team.carry("ana", "ben", "member")
    row = offered(team, "ben", "key/shop", stored(team, "cai", "key/shop", 4), first=4)
    assert row.records == ()
    assert "the list of members names" in row.fault


def test_a_join_that_is_another_one_when_it_is_approved_is_refused(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    code = team.invited("ana", invitation("dov", "reader", "/blog"))
    team.carry("ana", "ben")
    settled(team["ben"])
    came = team.joined("ben", code)
    team.carry("ben", "ana")
    members = run(lambda: load_members(team["ana"].service))
    [item] = members.now.invitations
    assert item.join is not None
    other = item._replace(join=item.join._replace(author=key_of(team, "cai")))
    swapped = members._replace(rosters=(members.now._replace(invitations=(other,)),))

    async def append(_service: object, _caller: object, make: Callable[[Members], MemberEntry]) -> None:
        make(swapped)

    monkeypatch.setattr(approving, "append_entry", append)
    with pytest.raises(Conflict):
        run(lambda: approving.approve_member(team["ana"].service, ME, "dov", came.fingerprint))


def test_a_version_that_waits_is_not_the_last_one_that_counts(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.write("ana", "/shop/prod", "PAGER=waits\n")
    vault = team["ana"].open_vault.vault
    monkeypatch.setattr(vault.memory, "is_waiting", lambda stream, seq: (stream, seq) == (PROD, 2))
    assert dict(heads_of(vault))[PROD].seq == 1


def test_a_key_that_an_administrator_stores_while_they_are_taken_out_keeps_no_new_one_back(team: Team) -> None:
    assert isinstance(run(lambda: team["cai"].ask(control.RotateKey("shop"))), control.Done)
    raced = stored(team, "cai", "key/shop", 4)
    ana, engine = team["ana"], EngineInMemory()
    line, revoke = joined(ana, engine), record.record_key(record.MEMBERS, 8)
    put = line.put_new

    async def put_new(key: str, data: bytes) -> bool:
        if key == revoke:  # the last moment in which it can be the next key
            engine.records[record.record_key("key/shop", 4)] = raced
        return await put(key, data)

    line.put_new = put_new  # type: ignore[method-assign]
    set_engine(ana)

    async def script() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, ana)
            await until_equal(engine, ana)
            said = await revoke_member(ana.service, ME, control.RevokeMember("cai"))
            assert "/shop has a new key" in said
            nursery.cancel_scope.cancel()

    run(script)
    row = offered(team, "ben", record.MEMBERS, engine.records[revoke], first=8)
    assert row.fault == ""
    team.carry("ana", "ben", "member")
    newest = engine.records[record.record_key("key/shop", 5)]
    row = offered(team, "ben", "key/shop", raced, newest, first=4)
    assert (len(row.records), row.fault) == (2, "")
    assert offered(team, "ben", "key/shop", raced, first=4).records == ()
    team.carry("ana", "ben")
    for name in ("ana", "ben"):
        assert "PAGER=on" in team.read(name, "/shop/prod")


def test_an_old_version_is_opened_where_the_newest_one_hangs_on_it(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=ben2\n")
    team.carry("ben", "cai")
    team.write("cai", "/shop/prod", "PAGER=other\n")
    for number in (3, 4, 5):
        team.write("ben", "/shop/prod", f"PAGER=ben{number}\n")
    team.carry("ben", "ana")
    # the record of another line, which is good in that place
    (team.vault("ana") / record.record_key(PROD, 3)).write_bytes(stored(team, "cai", PROD, 3))
    assert past(team, "ana", 3) == "authentication-failed"
    assert past(team, "ana", 2) == "authentication-failed"


def test_an_old_version_of_a_former_member_is_not_opened_by_itself(team: Team) -> None:
    team.write("ben", "/shop/prod", "PAGER=forged\n")  # behind version 1, with a list of before
    team.write("ana", "/shop/prod", "PAGER=true\n")
    team.write("ana", "/shop/prod", "PAGER=truer\n")
    team.revoke("ana", "ben")
    team.carry("ana", "cai", "member", "key", "tombstone")
    team.carry("ben", "cai", "level")
    assert past(team, "cai", 2) == "authentication-failed"
    assert "PAGER=on" in past(team, "cai", 1)


def past(team: Team, name: str, version: int) -> str:
    sent = run(lambda: team[name].sent(control.ReadView("/shop/prod", "dotenv", "show", version=version)))
    return sent.reply.code if isinstance(sent.reply, control.Failed) else sent.blob.decode()


def test_a_revoke_that_takes_the_newest_version_away_is_told_to_watchers(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.write("ben", "/shop/prod", "PAGER=late\n")
    team.carry("ben", "cai")
    assert "PAGER=late" in team.read("cai", "/shop/prod")
    team.revoke("ana", "ben", rekey=False)
    cai, engine, told = team["cai"], EngineInMemory(), list[tuple[str, int]]()
    wrote = cai.open_vault.changes.wrote
    monkeypatch.setattr(
        cai.open_vault.changes,
        "wrote",
        lambda level, before: (told.append((level, before.seq)), wrote(level, before)),
    )
    team.carry("ana", "cai", "key", "tombstone")
    store = team["ana"].service.store.mirror
    engine.records = {key: store.get(key) or b"" for key in store.list("member/")}
    joined(cai, engine)
    set_engine(cai)

    async def script() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, cai)
            await until(lambda: bool(told))
            nursery.cancel_scope.cancel()

    run(script)
    assert told == [("/shop/prod", 2)]
    assert "PAGER=on" in team.read("cai", "/shop/prod")


@pytest.mark.parametrize("kind", ["rubbish", "another file of age", "the key file before"])
def test_a_key_file_that_is_none_keeps_no_new_key_back(team: Team, kind: str) -> None:
    ana, engine = team["ana"], EngineInMemory()
    line, number = joined(ana, engine), team["ana"].open_vault.vault.last("key/shop") + 1
    stranger = Identity(Secret(new_identity().reveal()))
    before = stored(team, "ana", "key/shop", number - 1)
    planted = {"rubbish": b"rubbish", "the key file before": before}.get(kind) or age.seal_to_recipients(
        b"{}", (stranger.recipient,)
    )
    set_engine(ana)

    async def script() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, ana)
            await until(lambda: ana.service.sharing.facts.connected)
            engine.records[record.record_key("key/shop", number)] = planted
            assert isinstance(await ana.ask(control.RotateKey("shop")), control.Done)
            assert await ana.write("/shop/prod", "AFTER=1\n", "merge")
            nursery.cancel_scope.cancel()

    run(script)
    assert line.asked
    newest = engine.records[record.record_key("key/shop", number + 1)]
    row = offered(team, "ben", "key/shop", planted, newest, first=number)
    assert (len(row.records), row.fault) == (2, "")
    assert offered(team, "ben", "key/shop", planted, first=number).records == ()
    team.carry("ana", "ben")
    assert "AFTER=1" in team.read("ben", "/shop/prod")

"""Members as time goes by: a machine renews itself as far as its invitation says, and one that did not is out."""

import os

import pytest

from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.member import Member
from envfs.errors import BadRequest, NotApproved
from envfs.host import clocks
from envfs.protocol import control
from envfs.service.members.inviting import moment_in
from envfs.service.members.listing import load_members, member_named
from envfs.service.members.rotating import rotate_device
from envfs.service.members.signing import append_entry
from envfs.service.members.tending import Tending, renew_machine
from tests.component.team import WEEK, Team, invitation, settled
from tests.component.world import ME, World, memory, run

DAY = 86_400


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    """Give a clock that a test sets."""
    return Clock(monkeypatch)


class Clock:
    """The wall clock, in days from the beginning of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch, self._begin = monkeypatch, clocks.wall_ns()

    def __call__(self, days: float) -> None:
        now = self._begin + round(days * DAY) * 1_000_000_000
        self._patch.setattr(clocks, "wall_ns", lambda: now)
        self._patch.setattr(clocks, "wall_time", lambda: clocks.time_text(clocks.moment_of(now)))


def _with_machine(team: Team, at: Clock, renew: int = 3 * DAY) -> World:
    at(0)
    team.revoke("ana", "ben")
    settled(team["ben"])
    machine = control.InviteMember("web", "reader", ("/shop",), machine=True, seconds=WEEK, ttl=DAY, renew=renew)
    team.let_in("ana", "ben", machine)
    team.carry("ana", "ben")
    team.unlock("ben")
    return team["ben"]


def _member(world: World) -> Member:
    return member_named(run(lambda: load_members(world.service)), "web")


def _renews(world: World) -> bool:
    return run(lambda: renew_machine(world.service))


def _signs(world: World, entry: MemberEntry) -> None:
    run(lambda: append_entry(world.service, ME, lambda _members: entry))


def test_a_machine_renews_itself_in_the_last_part_of_its_time_until_its_bound(team: Team, at: Clock) -> None:
    web = _with_machine(team, at)
    bound = _member(web).bound
    at(0.5)
    assert not _renews(web)
    at(0.9)
    assert _renews(web)
    assert not _renews(web)
    team.carry("ben", "ana")
    assert _member(team["ana"]).end == moment_in(DAY)
    for day in (1.8, 2.7):
        at(day)
        assert _renews(web)
    assert _member(web).end == bound
    at(2.99)
    assert not _renews(web)
    rows = run(lambda: web.sent(control.ListMembers())).rows
    assert [row.renews_until for row in rows if isinstance(row, control.MemberRow) and row.name == "web"] == [bound]
    at(3.1)
    with pytest.raises(NotApproved, match="ended"):
        team.unlock("ben")


@pytest.mark.soak
def test_nobody_gets_more_time_than_the_invitation_gave(team: Team, at: Clock) -> None:
    web = _with_machine(team, at)
    number = _member(web).number
    too_long = moment_in(4 * DAY)
    two_days = MemberEntry(EntryKind.RENEW, member=number, end=moment_in(2 * DAY))
    shorter = MemberEntry(EntryKind.RENEW, member=number, end=moment_in(DAY // 2))
    founder = MemberEntry(EntryKind.RENEW, member=1, end=too_long)
    for signer, entry in (
        (web, two_days._replace(end=too_long)),
        (web, shorter),
        (web, founder),
        (team["ana"], two_days),
    ):
        with pytest.raises(NotApproved):
            _signs(signer, entry)
    run(lambda: team["ana"].sent(control.ChangeMember("web", ttl=DAY)))  # an end that an admin gives is one
    team.carry("ana", "ben")
    with pytest.raises(NotApproved):
        _signs(web, two_days)


def test_a_machine_whose_time_is_over_does_not_come_back_by_an_earlier_time(team: Team, at: Clock) -> None:
    web = _with_machine(team, at)
    renewal = MemberEntry(EntryKind.RENEW, member=_member(web).number, end=moment_in(2 * DAY))
    at(1.5)
    team.invited("ana", invitation("dov", "reader", "/shop"))
    team.carry("ana", "ben")
    at(0.9)
    with pytest.raises(NotApproved):
        _signs(web, renewal)


def test_an_administrators_daemon_takes_a_machine_out_that_was_not_renewed(team: Team, at: Clock) -> None:
    web = _with_machine(team, at)
    tending = Tending(team["ana"].service)
    keys = team.vault("ana") / "key" / "shop"
    before = len([*keys.iterdir()])
    at(1.01)
    run(tending.look)
    assert len([*keys.iterdir()]) == before
    at(1.5)
    run(tending.look)
    names = [member.name for member in run(lambda: load_members(team["ana"].service)).now.members]
    assert "web" not in names
    assert len([*keys.iterdir()]) == before + 1
    run(tending.look)
    assert len([*keys.iterdir()]) == before + 1
    team.write("ana", "/shop/prod", "PAGER=new\n")
    team.carry("ana", "ben")
    with pytest.raises(NotApproved):
        team.unlock("ben")
    assert not _is_readable(web)


def _is_readable(world: World) -> bool:
    sent = run(lambda: world.sent(control.ReadView("/shop/prod", "dotenv", "show")))
    return "new" in sent.blob.decode()


def test_an_administrators_daemon_seals_the_keys_to_a_device_that_is_new(team: Team) -> None:
    fresh = run(lambda: rotate_device(team["ben"].service, ME, ()))
    team.carry("ben", "cai")
    run(Tending(team["cai"].service).look)
    team.carry("cai", "ben")
    file = team["ben"].folder / "identity.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:3]) + "\n")  # without the former one
    team.unlock("ben")
    assert fresh.device
    assert "PAGER=on" in team.read("ben", "/shop/prod")


@pytest.mark.soak
def test_only_a_machine_with_an_end_is_invited_so(team: Team) -> None:
    for request in (
        control.InviteMember("dov", "reader", ("/shop",), seconds=WEEK, ttl=DAY, renew=WEEK),
        control.InviteMember("dov", "reader", ("/shop",), machine=True, seconds=WEEK, renew=WEEK),
        control.InviteMember("dov", "reader", ("/shop",), machine=True, seconds=WEEK, ttl=WEEK, renew=DAY),
        control.InviteMember("dov", "reader", ("/shop",), machine=True, seconds=WEEK, ttl=60, renew=WEEK),
    ):
        with pytest.raises(BadRequest):
            team.invited("ana", request)
    entry = MemberEntry(
        EntryKind.INVITE, name="dov", role="admin", levels=("/",), machine=True, lock="?", until=moment_in(DAY)
    )
    entry = entry._replace(end=moment_in(DAY), span=DAY, bound=moment_in(WEEK))
    handle = memory(b"")
    with pytest.raises(NotApproved):
        run(lambda: append_entry(team["ana"].service, ME, lambda _members: entry, (handle,)))
    os.close(handle)

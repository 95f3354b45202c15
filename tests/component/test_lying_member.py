"""A member whose client lies: records signed with a member's true key by the library itself, without its checks.

Each honest machine refuses such a record and names it, or gives it its number and nothing else.
"""

import pytest

from envfs.core import keyfile, record, statements
from envfs.core.addresses import RecordAddress
from envfs.core.membership.entries import EntryKind, MemberEntry, Role, entry_payload
from envfs.core.record import Point
from envfs.core.secret import Secret
from envfs.core.statements import StatementHeader, StatementType
from envfs.host import clocks
from envfs.keyholder.crypto import sealing
from envfs.keyholder.crypto.identity import Identity, identity_line
from envfs.keyholder.crypto.sealing import Content
from envfs.keyholder.crypto.statements import sign_tombstone
from envfs.protocol import control
from envfs.service.members.listing import load_members, member_named
from envfs.service.sharing.checking import CheckedRecords, Checker
from envfs.service.sharing.planning import RecordRange
from tests.component.team import Team
from tests.component.world import run

_PROD = "level/shop/prod"
_FAR, _PAST = "2999-01-01T00:00:00.000000Z", "2020-01-01T00:00:00.000000Z"


class Liar:
    """A member of a team with a client of their own."""

    def __init__(self, team: Team, name: str) -> None:
        self._team = team
        self._name = name
        self.identity = Identity(identity_line((team[name].folder / "identity.txt").read_bytes()))

    def members(self, number: int = 0) -> Point:
        """Return an entry of the list, or the newest."""
        digests = run(lambda: load_members(self._team[self._name].service)).digests
        number = number or len(digests)
        return Point(number, digests[number - 1])

    def place(self, stream: str, seq: int = 0, prev: str | None = None) -> RecordAddress:
        """Return the next place of a stream of their own copy, with other parts if wished."""
        place = self._team[self._name].open_vault.vault.next_place(stream)
        return place._replace(seq=seq or place.seq, prev=place.prev if prev is None else prev)

    def version(
        self, level: str, text: str, members: Point | None = None, *, time: str = "", place: RecordAddress | None = None
    ) -> bytes:
        """Sign a version of a level with the project's true key."""
        stream, project = f"level{level}", level.split("/")[1]
        data = self._team.vault("ana").joinpath(f"key/{project}/@00000001.age").parent
        newest = max(data.iterdir()).read_bytes()
        admin = Identity(identity_line((self._team["ana"].folder / "identity.txt").read_bytes()))
        key = keyfile.parse_keys(admin.open(newest)).keys.keys[0]
        return self.sealed(stream, key, text, members, time=time, place=place)

    def sealed(
        self,
        stream: str,
        key: Secret[bytes],
        text: str,
        members: Point | None = None,
        *,
        time: str = "",
        place: RecordAddress | None = None,
    ) -> bytes:
        """Sign a version that is sealed with any key."""
        content = Content(text, members=self.members() if members is None else members)
        where = place or self.place(stream)
        return sealing.seal_record(self.identity, where, time or clocks.wall_time(), key, content)

    def entry(self, entry: MemberEntry, time: str = "", author: str = "") -> bytes:
        """Sign an entry of the list of members, in the name of `author` if there is one."""
        header = StatementHeader(
            *self.place(record.MEMBERS), author or self.identity.author, time or clocks.wall_time(), ""
        )
        protected, payload = statements.protect_statement(header, StatementType.MEMBER), entry_payload(entry)
        signature = self.identity.sign(statements.statement_signed_text(protected, payload))
        return statements.render_statement(protected, payload, signature)


@pytest.fixture
def ben(team: Team) -> Liar:
    return Liar(team, "ben")


def offered(team: Team, name: str, stream: str, *records: bytes, first: int = 2) -> CheckedRecords:
    """Return what an honest machine takes of records that its engine has."""
    span = RecordRange(stream, first, first + len(records) - 1)
    came = dict(zip(span.record_keys(), records, strict=True))
    checker = Checker(team[name].open_vault.vault, team[name].keyholder)
    return run(lambda: checker.check((span,), came, {stream: span.last}))[0]


def planted(team: Team, stream: str, seq: int, data: bytes, *names: str) -> None:
    """Put a record into the copies of honest machines, as one that was taken stands there."""
    for name in names:
        path = team.vault(name) / record.record_key(stream, seq)
        assert not path.exists()
        path.write_bytes(data)


def named_faults(team: Team, name: str) -> dict[str, str]:
    sent = run(lambda: team[name].sent(control.VerifyVault(repair=False)))
    return {row.key: row.reason for row in sent.rows if isinstance(row, control.FaultRow)}


def counts_for_nothing(team: Team, stream: str, seq: int, data: bytes) -> None:
    """Look at a record that has a number and nothing else: readers keep their text, the next version follows on it."""
    level = stream.removeprefix("level")
    for name in ("ana", "cai"):
        row = offered(team, name, stream, data, first=seq)
        assert (len(row.records), row.fault) == (1, "")
    before = team.read("ana", level)
    planted(team, stream, seq, data, "ana", "cai")
    for name in ("ana", "cai"):
        assert team.read(name, level) == before
        assert "signed by somebody else than" in named_faults(team, name)[record.record_key(stream, seq)]
    assert team.write("ana", level, "NEXT=1\n") == seq + 1
    team.carry("ana", "cai")
    assert "NEXT=1" in team.read("cai", level)


def demoted(team: Team, name: str, role: str, *levels: str) -> None:
    assert isinstance(run(lambda: team["ana"].ask(control.ChangeMember(name, role, levels))), control.Done)
    team.carry("ana", "cai")
    team.carry("ana", "ben")


def test_a_version_of_a_level_beyond_the_role_counts_for_nothing(team: Team, ben: Liar) -> None:
    counts_for_nothing(team, "level/blog", 2, ben.version("/blog", "FORGED=1\n"))


def test_a_version_of_a_reader_counts_for_nothing(team: Team, ben: Liar) -> None:
    demoted(team, "ben", "reader", "/shop")
    counts_for_nothing(team, _PROD, 2, ben.version("/shop/prod", "FORGED=1\n"))


@pytest.mark.parametrize("entry", [5, 1], ids=["of when they were a writer", "of before they came"])
def test_a_version_under_an_old_membership_counts_for_nothing(team: Team, ben: Liar, entry: int) -> None:
    demoted(team, "ben", "reader", "/shop")
    counts_for_nothing(team, _PROD, 2, ben.version("/shop/prod", "FORGED=1\n", ben.members(entry)))


@pytest.mark.parametrize("point", [Point(99, "x" * 43), Point(2, "x" * 43)], ids=["to come", "of another list"])
def test_a_version_under_a_membership_that_there_is_not_is_refused(team: Team, ben: Liar, point: Point) -> None:
    row = offered(team, "cai", _PROD, ben.version("/shop/prod", "FORGED=1\n", point))
    assert row.records == ()
    assert row.fault == "record 2 of level/shop/prod names members that this vault does not have"


def test_a_version_of_a_device_that_was_taken_out_counts_for_nothing(team: Team, ben: Liar) -> None:
    team.revoke("ana", "ben", rekey=False)
    team.carry("ana", "cai")
    late = ben.version("/shop/prod", "FORGED=1\n", ben.members())  # the list as it was, before the revoke came
    counts_for_nothing(team, _PROD, 2, late)
    team.carry("ana", "ben")
    for time in ("", _FAR, _PAST):  # and no time that it names changes that
        newest = ben.version("/shop/prod", "FORGED=1\n", time=time, place=ben.place(_PROD))
        row = offered(team, "cai", _PROD, newest, first=4)
        assert (len(row.records), row.fault) == (1, "")


def test_two_versions_with_one_number_part_no_machines_unseen(team: Team, ben: Liar) -> None:
    place = ben.place(_PROD)
    ours, theirs = (ben.version("/shop/prod", f"SIDE={side}\n", place=place) for side in "12")
    planted(team, _PROD, 2, ours, "ana")
    planted(team, _PROD, 2, theirs, "cai")
    assert team.write("cai", "/shop/prod", "NEXT=1\n") == 3
    after = (team.vault("cai") / record.record_key(_PROD, 3)).read_bytes()
    row = offered(team, "ana", _PROD, after, first=3)
    assert (row.records, row.fault) == ((), "record 3 of level/shop/prod does not follow from the one before")
    team.carry("cai", "ana")
    assert team.read("ana", "/shop/prod") == "authentication-failed"  # and `envfs verify` names it
    assert record.record_key(_PROD, 3) in named_faults(team, "ana")


@pytest.mark.parametrize("seq", [1, 3, 99], ids=["that is taken", "with a gap", "far off"])
def test_a_version_with_another_number_than_its_place_is_refused(team: Team, ben: Liar, seq: int) -> None:
    data = ben.version("/shop/prod", "FORGED=1\n", place=ben.place(_PROD, seq))
    row = offered(team, "cai", _PROD, data)
    assert (row.records, row.fault) == ((), "record 2 of level/shop/prod does not follow from the one before")


def test_a_version_that_nobody_can_open_names_who_signed_it_and_ends_with_their_right(team: Team, ben: Liar) -> None:
    data = ben.sealed(_PROD, Secret(b"k" * 32), "FORGED=1\n")
    row = offered(team, "cai", _PROD, data)
    assert row.records == ()
    assert row.fault.endswith(f"as {ben.identity.author[:8]} signed it")
    team.revoke("ana", "ben", rekey=False)
    team.carry("ana", "cai")
    counts_for_nothing(team, _PROD, 2, data)


def test_a_time_that_is_to_come_decides_nothing(team: Team, ben: Liar) -> None:
    data = ben.version("/shop/prod", "PAGER=far\n", time=_FAR)
    row = offered(team, "cai", _PROD, data)
    assert (len(row.records), row.fault) == (1, "")
    planted(team, _PROD, 2, data, "ana", "cai")
    assert team.write("ana", "/shop/prod", "PAGER=near\n") == 3
    team.carry("ana", "cai")
    assert "PAGER=near" in team.read("cai", "/shop/prod")


@pytest.mark.parametrize("time", ["", _FAR], ids=["now", "to come"])
@pytest.mark.parametrize("kind", ["role", "levels", "approve", "revoke", "invite", "admin", "epoch"])
def test_an_entry_of_the_members_beyond_the_role_is_refused(team: Team, ben: Liar, kind: str, time: str) -> None:
    members = run(lambda: load_members(team["ana"].service))
    own, cai = member_named(members, "ben").number, member_named(members, "cai").number
    entry = {
        "role": MemberEntry(EntryKind.ROLE, member=own, role=Role.OWNER, levels=("/",)),
        "levels": MemberEntry(EntryKind.ROLE, member=own, role=Role.WRITER, levels=("/",)),
        "approve": MemberEntry(EntryKind.APPROVE, join=3),
        "revoke": MemberEntry(EntryKind.REVOKE, member=cai),
        "invite": MemberEntry(
            EntryKind.INVITE, name="eve", role=Role.READER, levels=("/",), until=_FAR, lock=ben.identity.author
        ),
        "admin": MemberEntry(
            EntryKind.INVITE, name="eve", role=Role.ADMIN, levels=("/",), until=_FAR, lock=ben.identity.author
        ),
        "epoch": MemberEntry(EntryKind.EPOCH),
    }[kind]
    number = len(members.entries) + 1
    for name in ("ana", "cai"):
        row = offered(team, name, record.MEMBERS, ben.entry(entry, time), first=number)
        assert row.records == ()
        assert f"entry {number} of the members does not follow" in row.fault


def test_an_entry_in_the_name_of_another_member_is_refused(team: Team, ben: Liar) -> None:
    members = run(lambda: load_members(team["ana"].service))
    owner = members.entries[0].author
    entry = MemberEntry(EntryKind.ROLE, member=member_named(members, "ben").number, role=Role.OWNER, levels=("/",))
    data = ben.entry(entry, author=owner)
    row = offered(team, "cai", record.MEMBERS, data, first=len(members.entries) + 1)
    assert row.records == ()
    assert "signature is wrong" in row.fault


def test_a_tombstone_of_a_writer_is_refused(team: Team, ben: Liar) -> None:
    first = (team.vault("ana") / record.record_key(_PROD, 1)).read_bytes()
    stream = record.tombstone_stream(_PROD)
    named = (Point(1, record.digest(first)),)
    data = sign_tombstone(ben.identity, ben.place(stream), clocks.wall_time(), named, ben.members())
    row = offered(team, "cai", stream, data, first=1)
    assert row.records == ()
    assert "signed by somebody else than" in row.fault

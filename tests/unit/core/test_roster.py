"""The list of members: what one who is no admin may fill it with, and what becomes of invitations."""

from itertools import count

import pytest

from envfs.core import limits
from envfs.core.membership.entries import EntryKind, MemberEntry, entry_payload, parse_payload
from envfs.core.membership.roster import Roster, Signer
from envfs.errors import AuthenticationFailed

TIME = "2026-11-30T10:00:00.000000Z"
LATER = "2026-12-30T10:00:00.000000Z"


class List:
    """A list that grows by entries, whose signatures nobody looks at."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.roster = Roster()
        self.add("ana", MemberEntry(EntryKind.FOUND, author="ana", name="ana", recipient="age-ana"))

    def add(self, author: str, entry: MemberEntry) -> int:
        number = next(self.numbers)
        self.roster = self.roster.follow(number, Signer(author, TIME), entry)
        return number

    def invite(self, by: str, name: str, role: str = "writer") -> int:
        levels = ("/shop",) if role in ("writer", "reader") else ("/",)
        entry = MemberEntry(EntryKind.INVITE, name=name, role=role, levels=levels, until=LATER, lock="lock")
        return self.add(by, entry)

    def join(self, invitation: int, author: str) -> int:
        entry = MemberEntry(EntryKind.JOIN, invite=invitation, author=author, recipient=f"age-{author}", proof="p")
        return self.add(author, entry)

    def let_in(self, by: str, name: str, role: str = "writer") -> int:
        invitation = self.invite(by, name, role)
        self.add(by, MemberEntry(EntryKind.APPROVE, join=self.join(invitation, name)))
        return invitation

    def invite_device(self, by: str, member: int) -> int:
        return self.add(by, MemberEntry(EntryKind.INVITE, member=member, until=LATER, lock="lock"))


def test_an_invitation_of_an_admin_falls_with_the_admin_unless_somebody_joined_by_it() -> None:
    team = List()
    cai = team.let_in("ana", "cai", "admin")
    unused, used = team.invite("cai", "dov"), team.invite("cai", "eli")
    joined = team.join(used, "eli")
    kept = team.invite("ana", "fay")
    team.add("ana", MemberEntry(EntryKind.REVOKE, member=cai))
    assert {item.number for item in team.roster.invitations} == {used, kept}
    with pytest.raises(AuthenticationFailed):
        team.join(unused, "dov")
    team.add("ana", MemberEntry(EntryKind.APPROVE, join=joined))


@pytest.mark.parametrize("role", ["writer", "reader", "owner"])
def test_an_invitation_falls_with_the_right_to_it_alone(role: str) -> None:
    team = List()
    cai = team.let_in("ana", "cai", "admin")
    team.invite("cai", "dov")
    levels = ("/",) if role == "owner" else ("/shop",)
    team.add("ana", MemberEntry(EntryKind.ROLE, member=cai, role=role, levels=levels))
    assert len(team.roster.invitations) == (1 if role == "owner" else 0)


def test_an_owner_who_is_an_admin_now_has_no_invitation_of_an_owner_left() -> None:
    team = List()
    cai = team.let_in("ana", "cai", "owner")
    team.invite("cai", "dov", "owner")
    kept = team.invite("cai", "eli", "admin")
    team.add("ana", MemberEntry(EntryKind.ROLE, member=cai, role="admin", levels=("/",)))
    assert [item.number for item in team.roster.invitations] == [kept]


def test_a_member_has_few_devices_and_an_admin_may_give_more() -> None:
    team = List()
    ben = team.let_in("ana", "ben")
    for number in range(7):
        invitation = team.invite_device("ben", ben)
        if number % 2:
            team.add("ben", MemberEntry(EntryKind.APPROVE, join=team.join(invitation, f"ben-{number}")))
    with pytest.raises(AuthenticationFailed):
        team.roster.follow(99, Signer("ben", TIME), MemberEntry(EntryKind.INVITE, member=ben, until=LATER, lock="lock"))
    team.invite_device("ana", ben)


def test_a_member_signs_a_bounded_number_of_entries_and_an_admin_any() -> None:
    team = List()
    ben = team.let_in("ana", "ben")
    key = "ben"
    for number in range(1000):
        new = f"ben-{number}"
        team.add(key, rotation(ben, key, new))
        key = new
    with pytest.raises(AuthenticationFailed):
        team.roster.follow(9999, Signer(key, TIME), rotation(ben, key, "one more"))
    team.add("ana", MemberEntry(EntryKind.ROLE, member=ben, role="admin", levels=("/",)))
    team.add(key, rotation(ben, key, "one more"))


def rotation(member: int, old: str, new: str) -> MemberEntry:
    return MemberEntry(
        EntryKind.ROTATE_DEVICE, member=member, device=old, author=new, recipient=f"age-{new}", proof="p"
    )


@pytest.mark.parametrize(
    "entry",
    [
        MemberEntry(EntryKind.JOIN, invite=2, author="a", recipient="r", login="x" * (limits.RECIPIENT_BYTES + 1)),
        MemberEntry(EntryKind.JOIN, invite=2, author="a", recipient="x" * (limits.RECIPIENT_BYTES + 1)),
        MemberEntry(EntryKind.EPOCH, recipients=tuple(f"r{number}" for number in range(101))),
    ],
    ids=["a long login", "a long recipient", "many recipients"],
)
def test_an_entry_has_bounded_texts(entry: MemberEntry) -> None:
    with pytest.raises(AuthenticationFailed):
        parse_payload(entry_payload(entry))

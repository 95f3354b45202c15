"""A vault whose store lies: three administrators, five members, two sides that see different lists, and late records.

Two things are asked of it at every step. Nobody who has seen a revoke takes what the revoked member wrote after it. And
of two sides whose lists went different ways, each notices it by the first record of the other side that it sees.
"""

import hashlib
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from envfs.core.membership.entries import EntryKind, MemberEntry, Role
from envfs.core.membership.member import FOUNDER
from envfs.core.membership.members import Claimed, Members
from envfs.core.membership.roster import Signer
from envfs.core.record import Point
from envfs.errors import AuthenticationFailed, EnvFSError

ADMINS = ("ann", "ben", "cai")
WRITERS = ("dov", "eli", "fay", "gus", "hal")
EVERYBODY = (*ADMINS, *WRITERS)
LEVELS = ("/", "/shop", "/shop/prod")
TIME, LATER = "2026-11-29T18:00:00.000000Z", "2027-11-29T18:00:00.000000Z"


class Entry(NamedTuple):
    """A stored entry of the list, and when it was made, by a clock that no party has."""

    signer: str
    entry: MemberEntry
    prev: str
    made: int

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return hashlib.sha256(repr((self.signer, self.entry, self.prev)).encode()).hexdigest()


class Version(NamedTuple):
    """A stored version of a level."""

    author: str
    stream: str
    seq: int
    prev: str
    members: Point
    made: int

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return hashlib.sha256(repr(self[:5]).encode()).hexdigest()


class Side:
    """What the store shows to one half of the parties: a list of entries, and the versions of each level."""

    def __init__(self, entries: list[Entry], streams: dict[str, list[Version]]) -> None:
        """Start with what there is."""
        self.entries = entries
        self.streams = streams

    def members(self, number: int | None = None) -> Members:
        """Fold the first entries, or all."""
        members = Members("ann")
        for entry in self.entries[:number]:
            members = follow(members, entry)
        return members

    def heads(self) -> tuple[tuple[str, Point], ...]:
        """Return the newest version of each level: what an administrator signs when somebody goes."""
        return tuple(
            (stream, Point(versions[-1].seq, versions[-1].digest))
            for stream, versions in sorted(self.streams.items())
            if versions
        )

    def counts(self, version: Version) -> bool:
        """Tell whether a version counts on this side."""
        claimed = Claimed(version.stream, version.seq, version.author, TIME, version.members)
        try:
            self.members().check_author(claimed, version.digest)
        except EnvFSError:
            return False
        return True


def follow(members: Members, entry: Entry) -> Members:
    """Take an entry as the keyholder does: it stands behind the one that it names."""
    if entry.prev != members.newest.digest:
        raise AuthenticationFailed("another place")
    return members.follow(Signer(entry.signer, TIME), entry.entry, entry.digest)


class SharedVault(RuleBasedStateMachine):
    """The model. `split` makes two sides of one store."""

    def __init__(self) -> None:
        """Begin with a founder alone."""
        super().__init__()
        self.sides = [Side([], {})]
        self.clock = 0
        self.invited = 0
        self.late: list[Version] = []  # written offline, delivered whenever somebody likes

    def _tick(self) -> int:
        self.clock += 1
        return self.clock

    def _side(self, number: int) -> Side:
        return self.sides[number % len(self.sides)]

    def _put(self, side: Side, signer: str, entry: MemberEntry) -> bool:
        members = side.members()
        stored = Entry(signer, entry, members.newest.digest, self._tick())
        try:
            follow(members, stored)
        except EnvFSError:
            return False
        side.entries.append(stored)
        return True

    def _admit(self, side: Side, admin: str, name: str, key: str, role: Role) -> bool:
        invite = MemberEntry(
            EntryKind.INVITE, name=name, role=role, levels=("/",), until=LATER, lock=f"lock of {self._tick()}"
        )
        if not self._put(side, admin, invite):
            return False
        number = len(side.entries)
        join = MemberEntry(EntryKind.JOIN, key, invite=number, recipient=f"age1{key}", proof="p")
        return self._put(side, key, join) and self._put(side, admin, MemberEntry(EntryKind.APPROVE, join=number + 1))

    @initialize()
    def found(self) -> None:
        """Everybody comes in, by an invitation each."""
        side = self.sides[0]
        assert self._put(side, "ann", MemberEntry(EntryKind.FOUND, "ann", name="ann", recipient="age1ann"))
        for name in EVERYBODY[1:]:
            role = Role.OWNER if name == "cai" else Role.ADMIN if name in ADMINS else Role.WRITER
            assert self._admit(side, "ann", name, name, role)

    @rule()
    def split(self) -> None:
        """The store begins to show two lists."""
        if len(self.sides) == 1:
            only = self.sides[0]
            streams = {stream: list(versions) for stream, versions in only.streams.items()}
            self.sides.append(Side(list(only.entries), streams))

    @rule(number=st.integers(0, 1), admin=st.sampled_from(ADMINS), name=st.sampled_from(EVERYBODY))
    def revoke(self, number: int, admin: str, name: str) -> None:
        """Somebody takes somebody out, each other and themselves among them."""
        side = self._side(number)
        member = side.members().now.by_author(name)
        if member is not None:
            self._put(side, admin, MemberEntry(EntryKind.REVOKE, member=member.number, last=side.heads(), rekey=True))

    @rule(
        number=st.integers(0, 1),
        admin=st.sampled_from(ADMINS),
        name=st.sampled_from(WRITERS),
        role=st.sampled_from((Role.READER, Role.WRITER, Role.ADMIN)),
    )
    def change_role(self, number: int, admin: str, name: str, role: Role) -> None:
        """Somebody gets another role."""
        side = self._side(number)
        member = side.members().now.by_author(name)
        if member is not None:
            entry = MemberEntry(
                EntryKind.ROLE, member=member.number, role=role, levels=("/",), last=side.heads(), rekey=True
            )
            self._put(side, admin, entry)

    @rule(number=st.integers(0, 1), admin=st.sampled_from(EVERYBODY))
    def come_again(self, number: int, admin: str) -> None:
        """Somebody new comes in, under a name and a key that nobody had."""
        self.invited += 1
        self._admit(self._side(number), admin, f"new {self.invited}", f"key {self.invited}", Role.WRITER)

    @rule(number=st.integers(0, 1), at=st.integers(0, 200))
    def replay(self, number: int, at: int) -> None:
        """The store puts an old entry behind the newest one: an approval, for one."""
        side = self._side(number)
        with pytest.raises(AuthenticationFailed):
            follow(side.members(), side.entries[at % len(side.entries)])

    @rule(number=st.integers(0, 1), back=st.integers(1, 200))
    def put_back(self, number: int, back: int) -> None:
        """The store shows an older list. Each version that names an entry which is gone is refused with it."""
        side = self._side(number)
        older = Side(side.entries[:-back], side.streams)
        for version in (version for versions in side.streams.values() for version in versions):
            if version.members.seq > len(older.entries):
                assert not older.counts(version)

    @rule(
        number=st.integers(0, 1),
        author=st.sampled_from(EVERYBODY),
        level=st.sampled_from(LEVELS),
        behind=st.sampled_from((0, 0, 0, 1, 3, 30)),
        away=st.sampled_from((False, False, True)),
    )
    def write(self, number: int, author: str, level: str, behind: int, away: bool) -> None:
        """Somebody writes, under the newest entry or an older one, here or away, to be delivered later."""
        side = self._side(number)
        stream = f"level{level}".rstrip("/")
        versions = side.streams.setdefault(stream, [])
        known = max(1, len(side.entries) - behind)
        digest = side.entries[known - 1].digest
        prev = versions[-1].digest if versions else ""
        version = Version(author, stream, len(versions) + 1, prev, Point(known, digest), self._tick())
        self.late.append(version)
        if not away and side.counts(version):
            versions.append(version)

    @invariant()
    def no_later_record_of_a_former_member_counts(self) -> None:
        """Whatever it names, and whichever side it was written on."""
        for side in self.sides:
            gone = self._gone(side)
            for version in self.late:
                if version.made > gone.get(version.author, self.clock):
                    assert not side.counts(version)

    def _gone(self, side: Side) -> dict[str, int]:
        # when each key was taken out of the list
        gone: dict[str, int] = {}
        for number, entry in enumerate(side.entries, 1):
            if entry.entry.kind is EntryKind.REVOKE:
                gone |= dict.fromkeys(side.members(number).lost_right(number), entry.made)
        return gone

    @invariant()
    def a_fork_shows_in_the_first_record_of_the_other_side(self) -> None:
        """A record that names an entry behind the fork is refused there, by number and digest."""
        if len(self.sides) == 1:
            return
        one, two = (side.entries for side in self.sides)
        pairs = enumerate(zip(one, two, strict=False))
        same = next((at for at, pair in pairs if pair[0] != pair[1]), min(len(one), len(two)))
        for side, other in (self.sides, self.sides[::-1]):
            for version in (version for versions in other.streams.values() for version in versions):
                if version.members.seq > same < len(side.entries):
                    assert not side.counts(version)

    @invariant()
    def somebody_owns_it(self) -> None:
        """The last owner cannot go."""
        for side in self.sides:
            if side.entries:
                assert any(member.role is Role.OWNER for member in side.members().now.members)

    @invariant()
    def a_key_is_for_those_in_the_list(self) -> None:
        """The recipients of a project are those who may open it, and no former member is one."""
        for side in self.sides:
            roster = side.members().now
            due = {f"age1{device.author}" for member in roster.members for device in member.devices}
            assert {*roster.recipients("/shop", TIME)} == due  # type: ignore[arg-type]
            assert FOUNDER == 1


TestSharedVault = SharedVault.TestCase
TestSharedVault.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)

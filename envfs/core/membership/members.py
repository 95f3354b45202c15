"""The whole list of members of a vault: whose records count, and which keys are due (docs/format.md §10).

Laws: a record counts by the members that its author named in it, never by a clock. A record beyond the point at which
its author's right was taken away does not count, whatever it names. An entry takes nothing away where there was no
right any more, so nobody takes back by it what they wrote when they had one. A key file is sealed to exactly those whom
the list has for its project at the entry that the file names.
"""

from typing import NamedTuple

from envfs.core import names, record
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.member import Member
from envfs.core.membership.roster import Roster, Signer
from envfs.core.names import Project
from envfs.core.record import Point
from envfs.errors import AuthenticationFailed, Conflict, NotApproved

NO_RIGHT = "a record is signed by somebody else than"  # the beginning of what `check_author` says
_TAKING = (EntryKind.REVOKE, EntryKind.REMOVE_DEVICE, EntryKind.ROTATE_DEVICE, EntryKind.ROLE)


class Claimed(NamedTuple):
    """The claims of a record about itself: where it stands, who signed it, when, under which entry of the list."""

    stream: str
    seq: int
    author: str
    time: str
    members: Point = Point()


class Members(NamedTuple):
    """The entries of a vault's stream `member`, the first one first, their digests, and the roster after each.

    None without that stream: then its founder is the one author.
    """

    founder: str
    entries: tuple[MemberEntry, ...] = ()
    digests: tuple[str, ...] = ()
    rosters: tuple[Roster, ...] = ()

    @property
    def newest(self) -> Point:
        """The newest entry."""
        return Point(len(self.digests), self.digests[-1]) if self.digests else Point()

    @property
    def now(self) -> Roster:
        """The members after the newest entry."""
        return self.rosters[-1] if self.rosters else Roster()

    def follow(self, signer: Signer, entry: MemberEntry, digest: str) -> "Members":
        """Return the members with one entry more, signed by `signer` and stored with that digest.

        Raises:
            AuthenticationFailed: the signer had no right to it, or it does not follow from those before
        """
        if entry.kind is EntryKind.FOUND and entry.author != self.founder:
            raise AuthenticationFailed("the list of members was begun by somebody else than the vault's owner")
        roster = self.now.follow(len(self.entries) + 1, signer, entry)
        return Members(self.founder, (*self.entries, entry), (*self.digests, digest), (*self.rosters, roster))

    def at(self, point: Point, what: str) -> Roster | None:
        """Return the members after an entry that a record names. None if it names none.

        Raises:
            AuthenticationFailed: this vault does not have that entry
        """
        if not point.seq:
            return None
        if point.seq > len(self.digests) or self.digests[point.seq - 1] != point.digest:
            raise AuthenticationFailed(
                f"{what} names members that this vault does not have",
                "an older list of members was put back, or there are two; `envfs verify` says more",
            )
        return self.rosters[point.seq - 1]

    def check_author(self, claimed: Claimed, digest: str) -> None:
        """Refuse a record whose author had no right to it. `digest` is that of its bytes.

        Raises:
            AuthenticationFailed: so it is, or it names an entry that this vault does not have
        """
        roster = self.at(claimed.members, f"record {claimed.seq} of {claimed.stream}")
        member = roster.by_author(claimed.author) if roster else None
        is_author = _may_sign(member, claimed) if roster else claimed.author == self.founder
        if not is_author or any(self._is_beyond(number, claimed, digest) for number in self._after(claimed.members)):
            authors = len(roster.members) if roster else 1
            who = "an author of the vault" if authors > 1 else "the vault's owner"
            raise AuthenticationFailed(f"{NO_RIGHT} {who}")

    def passes_over(self, data: bytes) -> bool:
        """Tell whether a record of a level is one of a former member that does not count: it holds its number alone.

        One that names another list, or is by somebody who never was in this one, is no such record, but a fault.
        """
        try:
            claimed = _claimed_by(data)
            if claimed.author not in self.now.keys or self.at(claimed.members, "") is None:
                return False
        except AuthenticationFailed:
            return False
        try:
            self.check_author(claimed, record.digest(data))
        except AuthenticationFailed:
            return True
        return False

    def vouching(self, data: bytes) -> tuple[Point, ...]:
        """Return the later records that a record of a stream needs to be followed by, for it to count.

        Its author may sign no more, and whoever took the right away has named the last record that counts. A record
        before that is the author's own word alone, until the stream has that last one.
        """
        try:
            claimed = _claimed_by(data)
        except AuthenticationFailed:
            return ()  # it counts for nothing, and the keyholder says so
        points = (self._last_that_counts(number, claimed) for number in self._after(claimed.members))
        return tuple(point for point in points if point and point.seq > claimed.seq)

    def named_last(self, stream: str) -> int:
        """Return the greatest number of a record of a stream that an entry names."""
        return max((dict(entry.last).get(stream, Point()).seq for entry in self.entries), default=0)

    def check_right(self, claimed: Claimed) -> Member | None:
        """Refuse what an author may not sign now, before it is signed. The member, or None without a list.

        Raises:
            NotApproved: it would count for nothing
        """
        if not self.now.shared:
            return None
        member = self.now.by_author(claimed.author)
        if member is None or not _may_sign(member, claimed):
            raise NotApproved(
                f"as {member.role if member else 'no'} member of this vault you may not write {_named(claimed.stream)}",
                "an administrator of the vault may change that: `envfs member ls` lists them",
            )
        return member

    def check_key_file(self, claimed: Claimed, recipients: tuple[str, ...]) -> None:
        """Refuse a managed key file that is not sealed to exactly those whom the list has for its project.

        Raises:
            AuthenticationFailed: somebody more or less can open it
        """
        roster, project = self.at(claimed.members, f"key file {claimed.seq}"), record.project_of_stream(claimed.stream)
        if roster is None or not roster.shared:
            return
        due = roster.recipients(project, claimed.time)
        if {*due} != {*recipients}:
            more, less = len({*recipients} - {*due}), len({*due} - {*recipients})
            raise AuthenticationFailed(
                f"key file {claimed.seq} of project {project} is not sealed to the members of the vault: "
                f"{more} too many, {less} too few",
                f"an administrator makes a new one with `envfs key rotate {project}`",
            )

    def pending(self, project: Project, point: Point) -> str:
        """Return the name of whom a project's key file, which names `point`, still lets in against the list, or "".

        An entry that takes a right away asks for a new key, unless its signer said otherwise.
        """
        rosters = (Roster(), *self.rosters)
        for number in self._after(point):
            before, after, entry = rosters[number - 1], rosters[number], self.entries[number - 1]
            if entry.rekey and {*before.recipients(project, "")} - {*after.recipients(project, "")}:
                member = before.by_number(entry.member)
                return member.name if member else "a former member"
        return ""

    def check_current(self, project: Project, point: Point) -> None:
        """Refuse to write with a key that somebody has who must not have it any more.

        Raises:
            Conflict: so it is
        """
        name = self.pending(project, point)
        if name:
            raise Conflict(
                f"project {project} needs a new key, since {name} was revoked: nothing is written with the old one",
                f"an administrator makes it with `envfs member revoke '{name}'`",
            )

    def lost_right(self, number: int) -> frozenset[str]:
        """Return the keys whose records are frozen by entry `number`."""
        entry = self.entries[number - 1]
        if entry.kind not in _TAKING or number < 2:  # noqa: PLR2004 - the first entry takes nothing away
            return frozenset()
        before = self.rosters[number - 2]
        if entry.kind in (EntryKind.REMOVE_DEVICE, EntryKind.ROTATE_DEVICE):
            return frozenset({entry.device})
        if entry.author:
            return frozenset({entry.author})
        member = before.by_number(entry.member)
        return frozenset(device.author for device in member.devices) if member else frozenset()

    def _after(self, point: Point) -> range:
        return range(point.seq + 1, len(self.entries) + 1)

    def _is_beyond(self, number: int, claimed: Claimed, digest: str) -> bool:
        last = self._last_that_counts(number, claimed)
        if last is None:
            return False
        return claimed.seq > last.seq or (claimed.seq == last.seq and digest != last.digest)

    def _last_that_counts(self, number: int, claimed: Claimed) -> Point | None:
        # None: entry `number` takes no right to that record away
        if claimed.author not in self.lost_right(number):
            return None
        had, has = (roster.by_author(claimed.author) for roster in self.rosters[number - 2 : number])
        if not _may_sign(had, claimed) or _may_sign(has, claimed):
            return None
        return dict(self.entries[number - 1].last).get(claimed.stream, Point())


def _claimed_by(data: bytes) -> Claimed:
    header = record.parse_header(data)
    return Claimed(header.stream, header.seq, header.author, header.time, header.members)


def _may_sign(member: Member | None, claimed: Claimed) -> bool:
    # levels are for those who may write there, keys and tombstones for administrators
    if member is None or member.has_ended(claimed.time):
        return False
    if record.is_level_stream(claimed.stream):
        return member.may_write(claimed.stream.removeprefix("level") or names.ROOT)
    return member.is_admin


def _named(stream: str) -> str:
    level = stream.removeprefix("level")
    return (level or names.ROOT) if record.is_level_stream(stream) else f"the stream {stream}"

"""The members of a vault after one entry of the list: who they are, what they may do, and what an entry changes.

Laws: an entry counts if its signer had the right to it at the entry before. Every member comes by an invitation, a
join that proves its secret, and an approval. A key that stood in the list once is never a new one again. One owner
without an end is always left. A member who is no admin has few devices, and signs a bounded number of entries. An
invitation that nobody joined by falls with the right of its author. A clock decides nothing but an end, and only to
refuse, by the time that a signer wrote.
"""

from typing import NamedTuple

from envfs.core.membership.entries import EntryKind, MemberEntry, Role
from envfs.core.membership.member import ADMINS, FOUNDER, Device, Invitation, Member
from envfs.core.names import ROOT, Project
from envfs.errors import AuthenticationFailed

_OWN_ACTS = 1000  # entries that a member who is no admin may sign: a machine renews itself that often
_OWN_DEVICES = 8  # that such a member adds, with those that are invited


class Signer(NamedTuple):
    """The signer of an entry, and the time that stands in it."""

    author: str
    time: str


class Act(NamedTuple):
    """An entry with its number and its signer."""

    number: int
    signer: Signer
    entry: MemberEntry


class Roster(NamedTuple):
    """The members after an entry. `keys` are all that ever stood in the list, `extra` recipients of every project.

    `clock` is the latest time in an entry by an administrator.
    """

    members: tuple[Member, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    keys: frozenset[str] = frozenset()
    extra: tuple[str, ...] = ()
    shared: bool = False  # false for a list of authors alone, whose founder has no recipient in it
    clock: str = ""

    def by_author(self, author: str) -> Member | None:
        """Return the member who has a device with that key."""
        return next((member for member in self.members if member.device(author)), None)

    def by_number(self, number: int) -> Member | None:
        """Return the member of that number."""
        return next((member for member in self.members if member.number == number), None)

    def recipients(self, project: Project, time: str) -> tuple[str, ...]:
        """Return whom a project's key file is sealed to at a time. Empty time: those whose end has passed as well."""
        devices = (
            device.recipient
            for member in self.members
            if member.may_open(project) and not (time and member.has_ended(time))
            for device in member.devices
        )
        return tuple(dict.fromkeys(filter(None, (*devices, *self.extra))))

    def follow(self, number: int, signer: Signer, entry: MemberEntry) -> "Roster":
        """Return the members after entry `number`.

        Raises:
            AuthenticationFailed: the signer had no right to it, or it does not follow from those before
        """
        actor = self.by_author(signer.author)
        bounded = actor if actor and not actor.is_admin else None
        is_right = bounded is None or bounded.acts < _OWN_ACTS
        after = _CHANGES[entry.kind](self, Act(number, signer, entry)) if is_right else None
        if after is not None:
            after = after.counted(bounded.number if bounded else 0)
        if after is None or not any(member.role is Role.OWNER and not member.end for member in after.members):
            raise AuthenticationFailed(
                f"entry {number} of the members does not follow from those before, or its signer had no right to it",
                "`envfs verify` says more",
            )
        actor = self.by_author(signer.author)
        is_by_admin = actor is not None and actor.is_admin
        return after._replace(clock=max(self.clock, signer.time)) if is_by_admin else after

    def counted(self, number: int) -> "Roster":
        """Return the roster after an entry of a member who is no admin (0: of another), without void invitations."""
        right = tuple(item for item in self.invitations if item.join is not None or self._may_invite(item))
        member, after = self.by_number(number), self._replace(invitations=right)
        return after.with_member(member._replace(acts=member.acts + 1)) if member else after

    def _may_invite(self, item: Invitation) -> bool:
        inviter, member = self.by_number(item.by), self.by_number(item.entry.member)
        signer = Signer(inviter.devices[0].author, "") if inviter else None
        return signer is not None and (inviter == member or self.may(signer, member, item.entry.role))

    def may(self, signer: Signer, member: Member | None, role: str = "") -> bool:
        """Tell whether a signer may change a member, or give somebody a role: as an admin, and of owners as one."""
        actor = self.actor(signer)
        if actor is None or not actor.is_admin:
            return False
        of_owners = role == Role.OWNER or (member is not None and member.role is Role.OWNER)
        return actor.role is Role.OWNER or not of_owners

    def actor(self, signer: Signer) -> Member | None:
        """Return the member who signed, unless their time was over."""
        member = self.by_author(signer.author)
        return None if member is None or member.has_ended(signer.time) else member

    def auditors(self, time: str) -> tuple[str, ...]:
        """Return the recipients whom shared access logs are sealed to at a time: the devices of owners and admins."""
        admins = (member for member in self.members if member.is_admin and not member.has_ended(time))
        return tuple(device.recipient for member in admins for device in member.devices if device.recipient)

    def with_member(self, changed: Member) -> "Roster":
        """Return the roster with a member as changed."""
        members = (changed if member.number == changed.number else member for member in self.members)
        return self._replace(members=tuple(members))

    def without(self, number: int) -> "Roster":
        """Return the roster without a member, or without an invitation."""
        return self._replace(
            members=tuple(member for member in self.members if member.number != number),
            invitations=tuple(item for item in self.invitations if number not in (item.number, item.entry.member)),
        )

    def is_free(self, name: str) -> bool:
        """Tell whether no member and no invitation has a name."""
        invited = (item.entry.name for item in self.invitations)
        return name not in (*(member.name for member in self.members), *invited)


def _found(_roster: Roster, act: Act) -> Roster | None:
    number, signer, entry = act
    if number != FOUNDER or signer.author != entry.author:
        return None
    founder = Member(FOUNDER, entry.name, Role.OWNER, (ROOT,), (Device(entry.author, entry.recipient),))
    return Roster((founder,), (), frozenset({entry.author}), entry.recipients, bool(entry.recipient))


def _allow(roster: Roster, act: Act) -> Roster | None:
    number, signer, entry = act
    # of a list of authors: no keys are sent to them
    if roster.shared or not roster.may(signer, None, Role.OWNER) or roster.by_author(entry.author):
        return None
    member = Member(number, "", Role.WRITER, (ROOT,), (Device(entry.author),))
    return roster._replace(members=(*roster.members, member), keys=roster.keys | {entry.author})


def _invite(roster: Roster, act: Act) -> Roster | None:
    number, signer, entry = act
    member = roster.by_number(entry.member) if entry.member else None
    if entry.member:
        is_right = member is not None and (roster.actor(signer) == member or roster.may(signer, member))
        invited = sum(item.entry.member == entry.member for item in roster.invitations)
        if member is not None and not roster.may(signer, member) and len(member.devices) + invited >= _OWN_DEVICES:
            is_right = False
    else:
        everywhere = entry.role not in ADMINS or entry.levels == (ROOT,)
        is_right = roster.may(signer, None, entry.role) and roster.is_free(entry.name) and everywhere
        is_right = is_right and not (entry.role == Role.OWNER and entry.end) and _may_renew(entry)
    if not roster.shared or not is_right or not entry.lock:
        return None
    inviter = roster.by_author(signer.author)
    item = Invitation(number, entry, by=inviter.number if inviter else FOUNDER)
    return roster._replace(invitations=(*roster.invitations, item))


def _may_renew(entry: MemberEntry) -> bool:
    # an invitation without a bound, or a machine's with one that its first end does not pass
    return not entry.bound or (entry.machine and entry.role not in ADMINS and "" < entry.end <= entry.bound)


def _join(roster: Roster, act: Act) -> Roster | None:
    number, signer, entry = act
    invitation = next((item for item in roster.invitations if item.number == entry.invite), None)
    used = {device.recipient for member in roster.members for device in member.devices}
    if invitation is None or invitation.join is not None or signer.author != entry.author:
        return None
    if entry.author in roster.keys or not entry.recipient or entry.recipient in used:
        return None
    if signer.time > invitation.entry.until:
        return None
    joined = invitation._replace(joined=number, join=entry)
    others = (item for item in roster.invitations if item.number != invitation.number)
    return roster._replace(invitations=(*others, joined), keys=roster.keys | {entry.author})


def _approve(roster: Roster, act: Act) -> Roster | None:
    _, signer, entry = act
    invitation = next((item for item in roster.invitations if item.joined == entry.join), None)
    if invitation is None or invitation.join is None or signer.time > invitation.entry.until:
        return None
    asked, join = invitation.entry, invitation.join
    device = Device(join.author, join.recipient, join.login)
    without = roster._replace(
        invitations=tuple(item for item in roster.invitations if item.number != invitation.number)
    )
    if asked.member:
        member = roster.by_number(asked.member)
        if member is None or not (roster.actor(signer) == member or roster.may(signer, member)):
            return None
        return without.with_member(member._replace(devices=(*member.devices, device)))
    if not roster.may(signer, None, asked.role):
        return None
    role = Role(asked.role)
    member = Member(invitation.number, asked.name, role, asked.levels, (device,), asked.machine, asked.end)
    return without._replace(members=(*without.members, member._replace(span=asked.span, bound=asked.bound)))


def _role(roster: Roster, act: Act) -> Roster | None:
    _, signer, entry = act
    member = roster.by_number(entry.member)
    everywhere = entry.role not in ADMINS or entry.levels == (ROOT,)
    if member is None or not everywhere or not roster.may(signer, member, entry.role) or not roster.shared:
        return None
    # the end that an administrator gives is one: nothing is renewed after that
    changed = member._replace(role=Role(entry.role), levels=entry.levels, end=entry.end, span=0, bound="")
    return roster.with_member(changed)


def _renew(roster: Roster, act: Act) -> Roster | None:
    # an administrator has written nothing since its end: a machine whose time is over could say an earlier time
    _, signer, entry = act
    member = roster.actor(signer)
    if member is None or member.number != entry.member or roster.clock > member.end:
        return None
    if not member.end < entry.end <= member.bound:
        return None
    return roster.with_member(member._replace(end=entry.end))


def _remove_device(roster: Roster, act: Act) -> Roster | None:
    _, signer, entry = act
    member = roster.by_number(entry.member)
    if member is None or member.device(entry.device) is None or len(member.devices) == 1:
        return None
    if roster.actor(signer) != member and not roster.may(signer, member):
        return None
    return roster.with_member(
        member._replace(devices=tuple(device for device in member.devices if device.author != entry.device))
    )


def _rotate_device(roster: Roster, act: Act) -> Roster | None:
    _, signer, entry = act
    member = roster.actor(signer)
    old = member.device(entry.device) if member else None
    if member is None or member.number != entry.member or old is None:
        return None
    if entry.author in roster.keys or not entry.recipient:
        return None
    new = Device(entry.author, entry.recipient, old.login)
    devices = tuple(new if device == old else device for device in member.devices)
    return roster.with_member(member._replace(devices=devices))._replace(keys=roster.keys | {entry.author})


def _revoke(roster: Roster, act: Act) -> Roster | None:
    _, signer, entry = act
    if entry.author:  # of a list of authors
        member = roster.by_author(entry.author)
        is_right = not roster.shared and member is not None and member.number != FOUNDER and roster.may(signer, member)
        return roster.without(member.number) if member and is_right else None
    member = roster.by_number(entry.member)
    invitation = next((item for item in roster.invitations if item.number == entry.member), None)
    if member is not None and (roster.actor(signer) == member or roster.may(signer, member)):
        return roster.without(member.number)
    if invitation is not None and roster.may(signer, None, invitation.entry.role):
        return roster.without(invitation.number)
    return None


def _epoch(roster: Roster, act: Act) -> Roster | None:
    _, signer, entry = act
    if not roster.shared or not roster.may(signer, None, Role.OWNER):
        return None
    return roster._replace(extra=entry.recipients)


_CHANGES = {
    EntryKind.FOUND: _found,
    EntryKind.ALLOW: _allow,
    EntryKind.INVITE: _invite,
    EntryKind.JOIN: _join,
    EntryKind.APPROVE: _approve,
    EntryKind.ROLE: _role,
    EntryKind.REMOVE_DEVICE: _remove_device,
    EntryKind.ROTATE_DEVICE: _rotate_device,
    EntryKind.RENEW: _renew,
    EntryKind.REVOKE: _revoke,
    EntryKind.EPOCH: _epoch,
}

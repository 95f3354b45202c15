"""Taking a member, a device or a right away: one entry with the last records that count, and then new keys.

Laws: the entry is stored first. From then on the records of whom it names count no more, and nobody writes with a key
that they have. If the process ends in between, doing it again makes the keys.
"""

from envfs.core import record
from envfs.core.access.caller import Caller
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.member import Member
from envfs.core.membership.members import Members
from envfs.core.record import Point
from envfs.core.visible_text import visible_text
from envfs.errors import NoSuchLevel, NotApproved
from envfs.protocol.control import ChangeMember, RevokeMember
from envfs.service.members.inviting import levels_for, moment_in, parse_role
from envfs.service.members.listing import load_members, member_named
from envfs.service.members.sealing import note_pending, settle_keys
from envfs.service.members.signing import append_entry
from envfs.service.service import Service
from envfs.vault.vault import Vault

FINAL = "nothing can recall what was read: rotate each value that they must not have"
_LOUD = (
    "the old keys stay in use: they open everything that is written from now on, too, wherever they get a copy of the "
    "vault; run it again without --no-rekey"
)


async def revoke_member(service: Service, caller: Caller, request: RevokeMember) -> list[str]:
    """Revoke, and make new keys. Returns sentences for the person who asked.

    Raises:
        NoSuchLevel: there is no such member, device or invitation, and never was
        NotApproved: this member may not do that
    """
    members = await load_members(service)
    entry = _entry(members, request)
    said = []
    if entry is not None:
        await append_entry(service, caller, lambda _members: entry, last=heads_of)
        if members.now.by_number(entry.member) is None:
            return [f"the invitation of {request.name} is taken back"]
        said.append(f"{request.name} is out: what they write from now on counts for nothing")
    elif not any(member.name == request.name for roster in members.rosters for member in roster.members):
        raise NoSuchLevel(f"no member is called {visible_text(request.name)}", "`envfs member ls` lists them")
    if not request.rekey:
        return [*said, _LOUD, FINAL]
    try:
        fresh, same = await settle_keys(service, caller)
    except NotApproved:
        await note_pending(service)
        return [*said, f"an administrator makes the new keys: `envfs member revoke {request.name}`", FINAL]
    said += [f"{project} has a new key" for project in fresh]
    said += [f"the key of {project} is sealed to the members" for project in same]
    return [*said, FINAL]


async def change_member(service: Service, caller: Caller, request: ChangeMember) -> list[str]:
    """Give a member another role, levels or end. Returns sentences for the person who asked.

    Raises:
        NoSuchLevel: there is no such member
        NotApproved: this member may not do that
    """

    def make(members: Members) -> MemberEntry:
        member = member_named(members, request.name)
        role = parse_role(request.role) if request.role else member.role
        levels = levels_for(role, request.levels or (member.levels if role is member.role else ()) or member.levels)
        end = moment_in(request.ttl) or member.end
        return MemberEntry(EntryKind.ROLE, member=member.number, role=role, levels=levels, end=end, rekey=True)

    members = await append_entry(service, caller, make, last=heads_of)
    fresh, same = await settle_keys(service, caller)
    changed = member_named(members, request.name)
    return [
        f"{changed.name} is {changed.role} at {', '.join(changed.levels)}",
        *(f"{project} has a new key" for project in fresh),
        *(f"the key of {project} is sealed to the members" for project in same),
    ]


def former_member(members: Members, name: str) -> Member | None:
    """Return the member of that name as they were last, though they may be gone by now."""
    rosters = reversed(members.rosters)
    return next((member for roster in rosters for member in roster.members if member.name == name), None)


def heads_of(vault: Vault) -> tuple[tuple[str, Point], ...]:
    """Return the newest record of each stream that members write. A thread may do it.

    A version that waits for an engine is none of these: its number may become another one's.
    """
    is_waiting = vault.memory.is_waiting
    streams = [
        (stream, number)
        for stream, newest in sorted(vault.newest_numbers().items())
        if (number := next((seq for seq in range(newest, 0, -1) if not is_waiting(stream, seq)), 0))
        and (record.is_level_stream(stream) or record.is_key_stream(stream) or record.forgotten_stream(stream))
    ]
    return tuple((stream, Point(seq, record.digest(vault.read(stream, seq) or b""))) for stream, seq in streams)


def _entry(members: Members, request: RevokeMember) -> MemberEntry | None:
    # None: it is done already, but for the keys
    rekey = request.rekey
    for member in members.now.members:
        if member.name == request.name and request.device:
            fitting = [device.author for device in member.devices if device.author.startswith(request.device)]
            if len(fitting) != 1:
                hint = f"`envfs member devices {request.name}` lists them"
                raise NoSuchLevel("not one device has a key that begins so", hint)
            return MemberEntry(EntryKind.REMOVE_DEVICE, member=member.number, device=fitting[0], rekey=rekey)
        if member.name == request.name:
            return MemberEntry(EntryKind.REVOKE, member=member.number, rekey=rekey)
    for item in members.now.invitations:
        if item.entry.name == request.name and not request.device:
            return MemberEntry(EntryKind.REVOKE, member=item.number, rekey=False)
    return None

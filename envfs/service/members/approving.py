"""Letting somebody in who came with the code of an invitation, and sealing to them the keys that they may have.

Law: who approves has compared the fingerprint, and nobody is approved whose device has another one.
"""

from envfs.core.access.caller import Caller
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.fingerprint import device_fingerprint
from envfs.core.membership.member import Invitation
from envfs.core.membership.members import Members
from envfs.core.visible_text import visible_text
from envfs.errors import Conflict, NoSuchLevel, NotApproved
from envfs.host import clocks
from envfs.service.members.listing import load_members
from envfs.service.members.sealing import settle_keys
from envfs.service.members.signing import append_entry
from envfs.service.service import Service


def waiting(members: Members) -> list[tuple[str, Invitation, str]]:
    """List those who joined and wait: name, invitation, fingerprint of the device."""
    rows = []
    for item in members.now.invitations:
        if item.join is not None:
            member = members.now.by_number(item.entry.member)
            name = member.name if member else item.entry.name
            rows.append((name, item, device_fingerprint(item.join.author, item.join.recipient)))
    return rows


async def approve_member(service: Service, caller: Caller, name: str, fingerprint: str) -> list[str]:
    """Let somebody in whose device has that fingerprint, and seal to them what they may open. Returns sentences.

    Raises:
        NoSuchLevel: nobody of that name waits
        Conflict: somebody else with that name does
    """
    members = await load_members(service)
    chosen = [(item, words) for named, item, words in waiting(members) if named == name]
    if not chosen:
        raise NoSuchLevel(f"nobody called {visible_text(name)} waits to be let in", "`envfs member ls` lists them")
    if fingerprint not in [words for _, words in chosen]:
        raise Conflict("the device that waits has another fingerprint", "look again: `envfs member ls`")
    item = next(item for item, words in chosen if words == fingerprint)
    if clocks.wall_time() > item.entry.until:
        raise NotApproved("that invitation has ended", "invite them again: `envfs member invite`")
    await append_entry(service, caller, lambda now: _approval(now, item))
    try:
        fresh, same = await settle_keys(service, caller)
    except NotApproved:
        return ["its keys are sealed to it when an administrator runs `envfs member approve` or `envfs key rotate`"]
    return [f"the key of {project} is sealed to the members" for project in (*fresh, *same)]


def _approval(members: Members, item: Invitation) -> MemberEntry:
    # for the list that it is signed for, which may be another one than the fingerprint was read from
    if item not in members.now.invitations:
        raise Conflict("the device that waited does not wait any more", "look again: `envfs member ls`")
    return MemberEntry(EntryKind.APPROVE, join=item.joined)

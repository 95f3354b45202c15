"""The list of members, checked by the keyholder, and what people see of it."""

from collections.abc import Iterator

from envfs.core.membership.fingerprint import device_fingerprint, spoken_fingerprint
from envfs.core.membership.folding import fold_entries
from envfs.core.membership.member import Member
from envfs.core.membership.members import Members
from envfs.core.names import Project
from envfs.core.visible_text import visible_text
from envfs.errors import AuthenticationFailed, BadRequest, NoSuchLevel
from envfs.host import clocks
from envfs.protocol.control import DeviceRow, MemberHeadRow, MemberRow
from envfs.protocol.keyholding import CheckMembers, Faults, OwnDevice, OwnKeys
from envfs.service.service import Service


async def load_members(service: Service) -> Members:
    """Return the members of the vault. Without a list, its owner alone.

    Raises:
        AuthenticationFailed: the list is damaged
        Locked: the vault is
    """
    vault = service.open_vault.vault
    records: list[bytes] = []
    if vault.add_members(records) is None:
        return Members(vault.description.signing_key)
    faults = (await service.keyholder.ask(CheckMembers(vault.description.id), Faults, records)).message.texts
    for fault in filter(None, faults):
        raise AuthenticationFailed(f"the list of members is damaged: {fault}", "`envfs verify` says more")
    return fold_entries(vault.description.signing_key, records)


def is_waiting(service: Service) -> bool:
    """Tell whether this home has joined and nobody has let it in yet: nothing of the vault is fetched before that."""
    device, records = service.sharing.facts.device, list[bytes]()
    vault = service.open_vault.vault
    if not device or vault.add_members(records) is None:
        return False
    try:
        now = fold_entries(vault.description.signing_key, records).now
    except AuthenticationFailed:
        return False  # of a list that is damaged, and `verify` says so
    return any(item.join is not None and item.join.author == device for item in now.invitations)


async def closed_projects(service: Service) -> frozenset[Project]:
    """Return the projects whose keys are for other members than this one."""
    members = await load_members(service)
    if not members.now.shared:
        return frozenset()
    own = (await service.keyholder.ask(OwnDevice(), OwnKeys)).message.author
    member = members.now.by_author(own)
    projects = service.open_vault.vault.projects()
    return frozenset(project for project in projects if member is not None and not member.may_open(project))


async def check_unshared(service: Service) -> None:
    """Refuse to change recipients one by one where the list of members says who they are.

    Raises:
        BadRequest: so it is
    """
    if (await load_members(service)).now.shared:
        raise BadRequest(
            "in a shared vault the list of members says who opens a project",
            "`envfs member invite` lets somebody in, `envfs member revoke` takes somebody out",
        )


def member_named(members: Members, name: str) -> Member:
    """Return the member of that name.

    Raises:
        NoSuchLevel: there is none
    """
    for member in members.now.members:
        if member.name == name:
            return member
    raise NoSuchLevel(f"no member is called {visible_text(name)}", "`envfs member ls` lists them")


async def member_rows(service: Service) -> list[MemberRow | DeviceRow]:
    """List the members, then the invitations, and the devices of each."""
    members, own = await load_members(service), (await service.keyholder.ask(OwnDevice(), OwnKeys)).message.author
    now = clocks.wall_time()
    rows: list[MemberRow | DeviceRow] = []
    for member in members.now.members:
        state = "ended" if member.has_ended(now) else "member"
        facts = (member.name, member.role.value, state, member.levels, member.machine, member.end)
        is_you = member.device(own) is not None
        rows.append(MemberRow(*facts, len(member.devices), is_you=is_you, renews_until=member.bound))
        rows += _device_rows(member, own)
    return [*rows, *_invited_rows(members, now)]


def _device_rows(member: Member, own: str) -> Iterator[DeviceRow]:
    for device in member.devices:
        words = device_fingerprint(device.author, device.recipient) if device.recipient else ""
        yield DeviceRow(member.name, device.author, device.recipient, device.login, words, device.author == own)


def _invited_rows(members: Members, now: str) -> Iterator[MemberRow]:
    for item in members.now.invitations:
        asked, join = item.entry, item.join
        member = members.now.by_number(asked.member)
        name, role = (member.name, f"{member.role}: a device") if member else (asked.name, asked.role)
        state = "ended" if now > asked.until else "joined" if join else "invited"
        words = device_fingerprint(join.author, join.recipient) if join else ""
        levels = member.levels if member else asked.levels
        yield MemberRow(name, role, state, levels, asked.machine, asked.end, 0, words, until=asked.until)


async def head_row(service: Service) -> MemberHeadRow:
    """Return the newest entry of the list, as two people compare it."""
    newest = (await load_members(service)).newest
    words = spoken_fingerprint(newest.digest) if newest.seq else ""
    return MemberHeadRow(newest.seq, newest.digest, words, tuple(service.pending_keys))

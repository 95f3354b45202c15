"""Invitations to a vault.

Law: the first invitation begins the list, with the owner as its founder and the vault's recovery recipients.
"""

import os
import pwd

from envfs.core import names
from envfs.core.access.caller import Caller
from envfs.core.keyfile import Custody
from envfs.core.membership.entries import NAME_LENGTH, EntryKind, MemberEntry, Role
from envfs.core.membership.members import Members
from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.errors import AlreadyExists, BadRequest
from envfs.host import clocks
from envfs.protocol.control import InviteMember
from envfs.service.members.listing import load_members, member_named
from envfs.service.members.signing import append_entry
from envfs.service.service import Service

_NANOSECONDS = 1_000_000_000
_RENEWALS = 600  # each in the last third of its time. The list bounds the entries of one who is no admin
_EVERYWHERE = (Role.OWNER, Role.ADMIN)


async def invite_member(service: Service, caller: Caller, request: InviteMember, where: tuple[int, ...]) -> str:
    """Put an invitation into the list, and its code into the descriptor. Returns when it ends.

    Raises:
        AlreadyExists: a member, or an invitation, has that name
        NotApproved: this member may not invite, or not with that role
    """
    refuse_credential(request.name, "the member's name")
    until = moment_in(request.seconds)
    entry = _invitation(request, until)
    if not (await load_members(service)).entries:
        await found_list(service, caller)

    def make(members: Members) -> MemberEntry:
        if not members.now.shared:
            raise BadRequest("this vault has a list of authors, to which nobody can be invited")
        if request.device:
            return entry._replace(member=member_named(members, request.name).number)
        check_free(members, request.name)
        return entry

    await append_entry(service, caller, make, where)
    return until


def moment_in(seconds: int) -> str:
    """Return the time in so many seconds, as records have it. Empty for 0."""
    return clocks.time_text(clocks.moment_of(clocks.wall_ns() + seconds * _NANOSECONDS)) if seconds else ""


def parse_role(text: str) -> Role:
    """Return the role of that name.

    Raises:
        BadRequest: there is none
    """
    try:
        return Role(text)
    except ValueError:
        raise BadRequest("there is no such role", f"it is one of {', '.join(Role)}") from None


def levels_for(role: Role, levels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the levels of a member in their one spelling. Owners and admins have all.

    Raises:
        BadRequest: none is named for others, or some for these
    """
    if role in _EVERYWHERE:
        if levels and {*map(names.parse_level, levels)} != {names.ROOT}:
            raise BadRequest(f"an {role} has all levels", "leave out --level, or choose writer or reader")
        return (names.ROOT,)
    if not levels:
        raise BadRequest(f"name the levels of a {role}", "--level /shop, or --level / for all")
    return tuple(sorted({*map(names.parse_level, levels)}))


def _invitation(request: InviteMember, until: str) -> MemberEntry:
    if not until:
        raise BadRequest("an invitation ends some time")
    if request.device:
        return MemberEntry(EntryKind.INVITE, until=until, lock="?")
    role = parse_role(request.role)
    return MemberEntry(
        EntryKind.INVITE,
        name=check_name(request.name),
        role=role,
        levels=levels_for(role, request.levels),
        machine=request.machine,
        until=until,
        end=moment_in(request.ttl),
        lock="?",
        **_renewal(request),  # type: ignore[arg-type]  # each of its own type
    )


def _renewal(request: InviteMember) -> dict[str, object]:
    if not request.renew:
        return {}
    if not request.machine or not 0 < request.ttl <= request.renew:
        raise BadRequest("a machine renews itself for its time, and no less long than once", "--ttl 30d --renew 365d")
    if request.renew > _RENEWALS * request.ttl:
        raise BadRequest(f"a machine renews itself {_RENEWALS} times at the most", "give it a longer --ttl")
    return {"span": request.ttl, "bound": moment_in(request.renew)}


def check_name(name: str) -> str:
    """Return a member's name.

    Raises:
        BadRequest: it is none
    """
    if not 0 < len(name) <= NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise BadRequest("that is no name of a member", f"1 to {NAME_LENGTH} characters that can be printed")
    return name


def check_free(members: Members, name: str) -> None:
    """Refuse a name that a member has, or an invitation. Raises AlreadyExists."""
    if not members.now.is_free(name):
        hint = "`envfs member ls` lists them; `envfs member revoke` takes an invitation back"
        raise AlreadyExists(f"{name} is a member, or is invited", hint)


async def found_list(service: Service, caller: Caller) -> None:
    """Begin the list, as the owner of the vault."""
    vault, keys = service.open_vault.vault, service.open_vault.keys
    others = list(service.settings.load().recipients)
    for project in vault.projects():
        if keys.custody(project) is Custody.MANAGED:
            others += (await keys.describe(project)).recipients
    extra = tuple(dict.fromkeys(other for other in others if other != vault.description.recipient))
    entry = MemberEntry(EntryKind.FOUND, name=_own_name(), recipient="?", recipients=extra)
    await append_entry(service, caller, lambda _members: entry)


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "owner"

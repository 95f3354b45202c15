"""Inviting a machine that nobody has to let in: its identity is made with the invitation, and goes to it as a secret.

Laws: three entries are signed, as for everybody: the invitation, the join by the machine's own key, the approval. The
identity is written where the client wants it, and nowhere else: the daemon never reads it. An invitation that
stops halfway is taken back, as its secret reached nobody.
"""

import os
from contextlib import suppress

from envfs.core.access.caller import Caller
from envfs.core.membership.entries import EntryKind, MemberEntry, Role
from envfs.core.membership.member import Invitation
from envfs.core.membership.members import Members
from envfs.courier.address import parse_address
from envfs.dotenv.placeholders.redaction import refuse_credential
from envfs.errors import BadRequest, Conflict, EnvFSError
from envfs.protocol.control import InviteMachine, InviteMember, MachineInvited
from envfs.service.members.inviting import check_free, check_name, invite_member, levels_for, moment_in, parse_role
from envfs.service.members.listing import load_members, member_named
from envfs.service.members.sealing import settle_keys
from envfs.service.members.signing import append_entry
from envfs.service.service import Service

_HANDOVER_SECONDS = 3600  # between the three entries
_ROLES = (Role.WRITER, Role.READER)


async def invite_machine(
    service: Service, caller: Caller, request: InviteMachine, identity: tuple[int, ...]
) -> MachineInvited:
    """Let a machine in whose identity is made now, and written into the descriptor. Return what it has to know.

    Raises:
        BadRequest: the vault has no engine, or a machine may not have that role
        AlreadyExists: a member, or an invitation, has that name
        NotApproved: this member may not invite
    """
    refuse_credential(request.name, "the machine's name")
    about = service.open_vault.vault.description
    engine, levels = _engine(service, request), levels_for(parse_role(request.role), request.levels)
    if request.role not in _ROLES:
        raise BadRequest("a machine is a writer or a reader", "an admin is a person: leave out --machine")
    if request.ttl <= 0:
        raise BadRequest("a machine's time ends some time", "--ttl 90d")
    asked = InviteMember(
        *(request.name, request.role, levels),
        machine=True,
        seconds=_HANDOVER_SECONDS,
        ttl=request.ttl,
        renew=request.renew,
    )
    members, end = await load_members(service), moment_in(request.ttl)
    check_free(members, check_name(request.name))
    if not request.dry:
        code = os.memfd_create("envfs", os.MFD_CLOEXEC)
        try:
            await invite_member(service, caller, asked, (code,))
            await _let_in(service, caller, request.name, (code, *identity))
        finally:
            os.close(code)
        members = await load_members(service)
        end = member_named(members, request.name).end
    return MachineInvited(
        *(request.name, request.role, levels, end, engine),
        *(about.id, about.created, about.recipient, about.signing_key),
        *members.newest,
    )


def _engine(service: Service, request: InviteMachine) -> str:
    own = service.settings.load().engine
    if not own:
        raise BadRequest(
            "a machine takes part by the engine of the vault, and this one has none",
            "`envfs sync start ADDRESS` names one; --code prints a code for `envfs member join`",
        )
    if request.engine:
        address = parse_address(request.engine)
        if address.password is not None:
            raise BadRequest("a password in an address is in the list of processes", "name a file: passfile=")
    return request.engine or own


async def _let_in(service: Service, caller: Caller, name: str, descriptors: tuple[int, ...]) -> None:
    try:
        join = MemberEntry(EntryKind.JOIN, invite=1)
        await append_entry(service, caller, lambda _members: join, descriptors)
        await append_entry(service, caller, lambda members: _approval(members, name))
        await settle_keys(service, caller)
    except BaseException as error:
        with suppress(EnvFSError):
            await append_entry(service, caller, lambda members: _taken_back(members, name))
        if isinstance(error, EnvFSError):
            error.hint = f"nothing reached the machine: `envfs member revoke {name}`, and invite it again"
        raise


def _approval(members: Members, name: str) -> MemberEntry:
    return MemberEntry(EntryKind.APPROVE, join=_invited(members, name).joined)


def _taken_back(members: Members, name: str) -> MemberEntry:
    numbers = [member.number for member in members.now.members if member.name == name]
    return MemberEntry(EntryKind.REVOKE, member=(numbers or [_invited(members, name).number])[0], rekey=True)


def _invited(members: Members, name: str) -> Invitation:
    for item in members.now.invitations:
        if item.entry.name == name:
            return item
    raise Conflict(f"the invitation of {name} was taken back meanwhile", "invite it again")

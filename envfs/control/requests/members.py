"""Requests about the members of a shared vault. For callers with `admin`."""

from envfs.control.call import Call, Sent
from envfs.protocol.control import (
    ApproveMember,
    ChangeMember,
    Done,
    EnterVault,
    InviteMachine,
    InviteMember,
    JoinVault,
    ListMemberHeads,
    ListMembers,
    MemberInvited,
    RevokeMember,
    RotateDevice,
)
from envfs.service.maintenance import joining, machine_entry
from envfs.service.members import approving, checklist, inviting, listing, machines, revoking, rotating


async def invite_member(call: Call, request: InviteMember) -> Sent:
    """Put an invitation into the list, and its code where the client wants it."""
    where = call.descriptor("where the code is to be written")
    until = await inviting.invite_member(call.service, call.caller, request, where)
    return Sent(MemberInvited(request.name, until))


async def invite_machine(call: Call, request: InviteMachine) -> Sent:
    """Let a machine in, and put its identity where the client wants it."""
    where = () if request.dry else call.descriptor("where the machine's identity is to be written")
    return Sent(await machines.invite_machine(call.service, call.caller, request, where))


async def enter_vault(call: Call, request: EnterVault) -> Sent:
    """Take part in a vault as a machine, for one command."""
    identity = call.descriptor("the machine's identity")
    return Sent(Done(await machine_entry.enter_vault(call.service, call.caller, request, identity)))


async def rotate_device(call: Call, _request: RotateDevice) -> Sent:
    """Give this device a new key."""
    return Sent(await rotating.rotate_device(call.service, call.caller, call.descriptors))


async def join_vault(call: Call, request: JoinVault) -> Sent:
    """Make an identity, and ask to be let in."""
    call.descriptor("the code of the invitation")
    return Sent(await joining.join_vault(call.service, call.caller, request, call.descriptors))


async def approve_member(call: Call, request: ApproveMember) -> Sent:
    """Let somebody in."""
    said = await approving.approve_member(call.service, call.caller, request.name, request.fingerprint)
    return Sent(Done(tuple(said)))


async def list_members(call: Call, _request: ListMembers) -> Sent:
    """Send a row for each member, device and invitation."""
    await call.service.sharing.hear()
    await call.send_rows(await listing.member_rows(call.service))
    return Sent(Done())


async def change_member(call: Call, request: ChangeMember) -> Sent:
    """Give a member another role, other levels or another end."""
    return Sent(Done(tuple(await revoking.change_member(call.service, call.caller, request))))


async def revoke_member(call: Call, request: RevokeMember) -> Sent:
    """Take a member out, and send what they could open."""
    member = revoking.former_member(await listing.load_members(call.service), request.name)
    said = await revoking.revoke_member(call.service, call.caller, request)
    if member is not None:
        await call.send_rows(await checklist.readable_variables(call.service, member))
    return Sent(Done(tuple(said)))


async def list_member_heads(call: Call, _request: ListMemberHeads) -> Sent:
    """Send the newest entry of the list."""
    await call.send_row(await listing.head_row(call.service))
    return Sent(Done())

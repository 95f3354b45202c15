"""Requests that look after the vault: verify it, accept a level that was refused. For callers with `admin`."""

from envfs.control.call import Call, Sent
from envfs.core import names
from envfs.protocol.control import Accept, Done, VerifyVault
from envfs.service.audit.log_verification import Inquiry
from envfs.service.maintenance import last_times, verification


async def verify_vault(call: Call, request: VerifyVault) -> Sent:
    """Check every record of every stream, and all that is known of the vault. Send a row for each fault."""
    inquiry = Inquiry(call.service, call.left, call.send_row)
    checked = await verification.check_vault(inquiry, repair=request.repair)
    last_times.note_verified(call.service.places.last_times, checked.failed)
    return Sent(checked)


async def accept(call: Call, request: Accept) -> Sent:
    """Accept a level as it is now, after a rollback was noticed."""
    sentence = await verification.accept_now(call.service, call.caller, names.parse_level(request.level))
    return Sent(Done((sentence,)))

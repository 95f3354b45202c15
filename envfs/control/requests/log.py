"""Requests about the access log's chain: verify it, keep its file and go on, begin a new one."""

from envfs.control.call import Call, Sent
from envfs.core import pins
from envfs.protocol.control import Done, RestartLog, RotateLog, VerifyLog
from envfs.service.audit import log_verification
from envfs.service.audit.log_verification import Inquiry


async def verify_log(call: Call, request: VerifyLog) -> Sent:
    """Follow the log's chain, check its signed checkpoints, and hold them against those of the vault and the pin."""
    pin = pins.parse_pin(request.pin) if request.pin else None
    return Sent(await log_verification.verify_access_log(Inquiry(call.service, call.left, call.send_row), pin))


async def rotate_log(call: Call, _request: RotateLog) -> Sent:
    """Seal the segment that is written, keep it under the name of its entries, and go on in a new one."""
    service = call.service
    _ = service.open_vault
    aside = await service.keeping.close_segment(call.caller)
    return Sent(Done((f"the old entries are kept in {aside}",)))


async def restart_log(call: Call, _request: RestartLog) -> Sent:
    """Set the old log aside and begin a new one."""
    _ = call.service.open_vault
    ledger = call.service.ledger
    behind = ledger.behind
    aside = await ledger.restart(call.caller)
    await log_verification.sign_log(call.service)
    notes = [f"the old log is kept as {aside}" if aside else "the old log is gone"]
    if behind:
        notes.append(f"{behind}: its values may be older ones; `envfs history LEVEL` says when each was set")
    return Sent(Done(tuple(notes)))

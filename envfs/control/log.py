"""Requests about the access log's chain: verify it, keep its file and go on, begin a new one. For the owner only."""

from envfs.control.call import Call, Sent
from envfs.protocol.control import Done, RestartLog, RotateLog, VerifyLog
from envfs.service import log_verification
from envfs.service.log_verification import Inquiry


async def verify_log(call: Call, _request: VerifyLog) -> Sent:
    """Follow the log's chain, check its signed checkpoints, and hold them against those of the vault."""
    return Sent(await log_verification.verify_access_log(Inquiry(call.service, call.left, call.send_row)))


async def rotate_log(call: Call, _request: RotateLog) -> Sent:
    """Keep the log's file under the name of its entries and go on in a new one."""
    service = call.service
    _ = service.open_vault
    aside = service.ledger.rotate(call.caller)
    await log_verification.sign_log(call.service)
    return Sent(Done((f"the old entries are kept in {aside}",)))


async def restart_log(call: Call, _request: RestartLog) -> Sent:
    """Set the old log aside and begin a new one."""
    _ = call.service.open_vault
    ledger = call.service.ledger
    behind = ledger.behind
    aside = ledger.restart(call.caller)
    await log_verification.sign_log(call.service)
    notes = [f"the old log is kept as {aside}" if aside else "the old log is gone"]
    if behind:
        notes.append(f"{behind}: its values may be older ones; `envfs history LEVEL` says when each was set")
    return Sent(Done(tuple(notes)))

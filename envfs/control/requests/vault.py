"""Requests about the vault and its daemon: make, report, end. `status` is open to every uid."""

import contextlib
import os

from envfs import __version__
from envfs.control.call import Call, Sent
from envfs.errors import EnvFSError
from envfs.protocol.control import (
    BackedUp,
    Backup,
    Done,
    Init,
    Made,
    Status,
    StatusReport,
    Unmount,
)
from envfs.service.audience import ReportAudience, grants_of
from envfs.service.maintenance import last_times, setup
from envfs.service.maintenance.backup import write_backup


async def status(call: Call, _request: Status) -> Sent:
    """Report the daemon's state. An approved user learns what concerns them, a stranger only that it runs."""
    service = call.service
    if not call.caller.is_user(service.owner):
        return Sent(_outline(call))
    problems = service.problems()
    vault_id, grants = "", 0
    with contextlib.suppress(EnvFSError):
        vault_id = service.open_vault.vault.description.id
        grants = len(service.book.load())
    places = service.places
    return Sent(
        StatusReport(
            release=__version__,
            pid=os.getpid(),
            uid=service.owner,
            vault=vault_id,
            vault_folder=places.vault,
            mount=service.mount,
            unlocked=service.locks.unlocked,
            keyholder_pid=service.keyholder_pid,
            grants=grants,
            log=places.log,
            log_entries=service.log.tip.seq if vault_id else 0,  # asking must not begin a log
            problems=problems,
            audience=ReportAudience.OWNER,
        )
    )


def _outline(call: Call) -> StatusReport:
    service, grants = call.service, grants_of(call.service, call.caller)
    return StatusReport(
        release="",
        pid=0,
        uid=service.owner,
        vault="",
        vault_folder="",
        mount=service.mount if grants else "",
        unlocked=service.locks.unlocked if grants else False,
        keyholder_pid=0,
        grants=grants,
        log="",
        log_entries=0,
        audience=ReportAudience.APPROVED if grants else ReportAudience.OTHER,
    )


async def init(call: Call, request: Init) -> Sent:
    """Make an identity, a vault and the first grant."""
    about = await setup.create_vault(call.service, call.caller, request.identity_file, call.descriptors)
    return Sent(Made(about.id, about.recipient, call.service.places.home, call.caller.uid))


async def backup(call: Call, _request: Backup) -> Sent:
    """Write a backup into the file that came."""
    (handle,) = call.descriptor("the file of the backup")
    facts = await write_backup(call.service, handle)
    last_times.note_backed_up(call.service.places.last_times)
    return Sent(BackedUp(call.service.open_vault.vault.description.id, *facts))


async def unmount(call: Call, _request: Unmount) -> Sent:
    """End the daemon after this reply."""
    return Sent(Done(), then=call.service.stop)

"""A report of the daemon's state that is kept up: for a status line.

Laws: a change of locks or of the engine is told at once. A problem may come without an event, as when a file is changed
by hand, so a watched daemon looks for those every few seconds. One that nobody watches does nothing for this.
"""

from contextlib import suppress

from envfs.core.access.caller import Caller
from envfs.core.keyfile import Custody
from envfs.core.scope import Scope
from envfs.errors import EnvFSError
from envfs.protocol.control import StatusRow
from envfs.service.audience import ReportAudience, audience_of
from envfs.service.service import Service
from envfs.service.sharing.problems import engine_state

_MOST_PROJECTS = 64  # whose locks are looked at


def status_row(service: Service, caller: Caller) -> StatusRow:
    """Return the state as `caller` may know it."""
    audience = audience_of(service, caller)
    if audience is not ReportAudience.OWNER:
        return StatusRow(audience, unlocked=audience is ReportAudience.APPROVED and service.locks.unlocked)
    outbox, engine = service.sharing.store.outbox, service.sharing.address()
    return StatusRow(
        audience,
        service.locks.unlocked,
        _locked_projects(service),
        engine_state(service.sharing.facts, engine, "", is_daemon=True)[0] if engine else "",
        len(outbox) if engine else 0,
        len(outbox.conflicts()) if engine else 0,
        service.problems(),
    )


def _locked_projects(service: Service) -> tuple[str, ...]:
    locked: list[str] = []
    with suppress(EnvFSError):
        for project in service.open_vault.vault.projects()[:_MOST_PROJECTS]:
            is_own = service.open_vault.keys.custody(project) is Custody.ZERO_KNOWLEDGE
            if Scope(project) in service.locks.closed or (is_own and not service.locks.is_held(project)):
                locked.append(project)
    return tuple(locked)

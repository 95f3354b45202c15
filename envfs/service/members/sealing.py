"""The keys of projects for the members that the list has now: sealed again where it has others.

Laws: a key that somebody has who must not have it any more is replaced by a new one, and the newest text of each level
is sealed with that before anything else. An interrupted change is finished by doing it again.
"""

from collections.abc import Collection
from contextlib import suppress

from envfs.core.access.caller import Caller
from envfs.core.keyfile import Custody
from envfs.core.membership.entries import EntryKind, MemberEntry
from envfs.core.membership.members import Members
from envfs.core.names import Project
from envfs.core.operations import KeyOperation
from envfs.errors import AuthenticationFailed, EnvFSError
from envfs.host import clocks
from envfs.service.keys.rekeying import finish_rekeying
from envfs.service.members.listing import load_members
from envfs.service.members.signing import append_entry
from envfs.service.project_keys import KeyChange
from envfs.service.service import Service


async def settle_keys(
    service: Service, caller: Caller, projects: Collection[Project] | None = None
) -> tuple[list[Project], list[Project]]:
    """Seal the keys of each managed project to its members. Returns those with a new key, and the others that changed.

    Of `projects` alone, if they are named.

    Raises:
        NotApproved: this member may not make keys
    """
    members = await load_members(service)
    fresh: list[Project] = []
    same: list[Project] = []
    for project in _managed(service) if projects is None else projects:
        needs_new = await _needs_new_key(service, members, project)
        if needs_new is None:
            if service.open_vault.vault.has_old_keys(project):
                async with service.open_vault.changing:
                    await finish_rekeying(service.open_vault, caller, project)
            continue
        due = members.now.recipients(project, clocks.wall_time())
        change = KeyChange(KeyOperation.RECIPIENTS, Custody.MANAGED, due, fresh=needs_new)
        async with service.open_vault.changing:
            await service.open_vault.keys.change(caller, project, change, ())
            await finish_rekeying(service.open_vault, caller, project)
        (fresh if needs_new else same).append(project)
    if projects is None:
        service.pending_keys = ()
    return fresh, same


async def lacking(service: Service, members: Members, ended: frozenset[str]) -> list[Project]:
    """List the projects whose key a member lacks who may have it, or one of the `ended` recipients still has."""
    lacks: list[Project] = []
    for project in _managed(service):
        with suppress(EnvFSError):  # one that is damaged is told of elsewhere
            sealed = {*(await service.open_vault.keys.describe(project)).recipients}
            if {*members.now.recipients(project, clocks.wall_time())} - sealed or sealed & ended:
                lacks.append(project)
    return lacks


async def renew_epoch(service: Service, caller: Caller, recovery: str) -> None:
    """Have every project of a shared vault sealed to one more recovery key. Of a vault with one owner nothing is asked.

    Raises:
        NotApproved: this member is no owner
    """
    members = await load_members(service)
    if members.now.shared and recovery not in members.now.extra:
        entry = MemberEntry(EntryKind.EPOCH, recipients=(*members.now.extra, recovery))
        await append_entry(service, caller, lambda _members: entry)
        await settle_keys(service, caller)


async def note_pending(service: Service) -> tuple[Project, ...]:
    """Find the projects whose key a former member still has, and say so in `status` from now on."""
    if (await load_members(service)).entries:
        keys = service.open_vault.keys
        described = [(project, await keys.describe(project)) for project in _managed(service)]
        service.pending_keys = tuple(project for project, about in described if about.pending)
    return service.pending_keys


async def finish_keys(service: Service) -> None:
    """Make the new keys that an interrupted revoke left due, if this member may. `status` names what stays due."""
    if await note_pending(service):
        with suppress(EnvFSError):  # an engine that is away, or another member's part: it is tried again
            await settle_keys(service, service.me)


def _managed(service: Service) -> list[Project]:
    keys = service.open_vault.keys
    return [project for project in service.open_vault.vault.projects() if keys.custody(project) is Custody.MANAGED]


async def _needs_new_key(service: Service, members: Members, project: Project) -> bool | None:
    # None: it is sealed to those that it should be sealed to
    try:
        about = await service.open_vault.keys.describe(project)
    except AuthenticationFailed:
        return True  # for others than the members: nobody knows who
    due = {*members.now.recipients(project, clocks.wall_time())}
    if about.pending or {*about.recipients} - due:
        return True
    return False if due - {*about.recipients} else None

"""Unlocking and locking on request: the keyholder learns a key, or forgets it and the views of it."""

from contextlib import suppress

from envfs.core import events, record
from envfs.core.access.caller import Caller
from envfs.core.keyfile import Custody
from envfs.core.names import Project
from envfs.core.scope import VAULT, Scope
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.protocol.keyholding import Held, HoldKeys
from envfs.service.keys.identity import load_identity
from envfs.service.keys.locking import lock_now, one_try, unless_locked
from envfs.service.keys.rekeying import finish_all
from envfs.service.service import Service


async def unlock_scope(
    service: Service, caller: Caller, scope: Scope, seconds: int, passphrase: tuple[int, ...]
) -> None:
    """Give the keyholder a key, and remember when to take it away again: after `seconds`, 0 for never.

    Raises:
        WrongPassphrase: the passphrase does not open it
        Conflict: it was locked meanwhile
    """
    locks, project = service.locks, _zero_knowledge(service, scope)
    ends = scope if project or locks.unlocked else VAULT  # the identity that a project needed is locked with it
    async with one_try(service, caller, scope if project else VAULT, passphrase):
        if project:
            await _hold_project(service, project, passphrase)
        else:
            await load_identity(service, passphrase, scope)
    locks.opened(ends, seconds)
    locks.closed = set() if scope == VAULT else locks.closed - {scope}
    service.log.append(events.unlocked(scope, seconds), caller)
    service.open_vault.changes.unlocked()
    service.sharing.unlocked()
    with suppress(EnvFSError):  # it is unlocked all the same
        await finish_all(service.open_vault, caller)


async def lock_scope(service: Service, caller: Caller, scope: Scope) -> None:
    """Lock the vault, or one project.

    Raises:
        NoSuchLevel: there is no such project
    """
    if scope.project is not None and not _may_be_there(service, scope.project):
        raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
    await lock_now(service, caller, "asked for", scope)


def _zero_knowledge(service: Service, scope: Scope) -> Project | None:
    # the project of a scope, if a passphrase of its own opens it
    project = scope.project
    own = project is not None and service.open_vault.keys.custody(project) is Custody.ZERO_KNOWLEDGE
    return project if own else None


async def _hold_project(service: Service, project: Project, descriptors: tuple[int, ...]) -> None:
    vault = service.open_vault.vault
    head = vault.key_head(project)
    if head is not None:
        place = vault.place(record.key_stream(project), head.seq)
        async with unless_locked(service, Scope(project)):
            blobs = [head.data]
            members = vault.add_members(blobs)
            await service.keyholder.ask(HoldKeys(place, members), Held, blobs, descriptors)


def _may_be_there(service: Service, project: Project) -> bool:
    with suppress(EnvFSError):
        return service.locks.is_held(project) or service.open_vault.vault.key_head(project) is not None
    return True  # whoever says lock is not to be told of the vault's troubles instead

"""Requests that unlock and lock: the keyholder learns a key, or forgets it and the views of it. For the owner only."""

from contextlib import suppress

from envfs.control.call import Call, Sent
from envfs.control.identity import load_identity
from envfs.control.locking import lock_now, one_try, unless_locked
from envfs.core import events, names, record
from envfs.core.keyfile import Custody
from envfs.core.names import Project
from envfs.core.scope import VAULT, Scope
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.protocol.control import Done, Lock, Unlock
from envfs.protocol.keyholding import HoldKeys
from envfs.service.rekeying import finish_all
from envfs.service.service import Service


async def unlock(call: Call, request: Unlock) -> Sent:
    """Give the keyholder a key, and remember when to take it away again."""
    service, scope = call.service, _scope(request.project)
    locks, project = service.locks, _zero_knowledge(service, scope)
    ends = scope if project or locks.unlocked else VAULT  # whose identity was wanted for a project is locked with it
    async with one_try(call, scope if project else VAULT):
        if project:
            await _hold_project(service, project, call.descriptors)
        else:
            await load_identity(service, call.descriptors, scope)
    locks.opened(ends, request.seconds)
    locks.closed = set() if scope == VAULT else locks.closed - {scope}
    service.log.append(events.unlocked(scope, request.seconds), call.caller)
    service.house.changes.unlocked()
    with suppress(EnvFSError):  # it is unlocked all the same
        await finish_all(service.house, call.caller)
    return Sent(Done())


async def lock(call: Call, request: Lock) -> Sent:
    """Lock the vault, or one project.

    Raises:
        NoSuchLevel: there is no such project
    """
    scope = _scope(request.project)
    if scope.project is not None and not _may_be_there(call.service, scope.project):
        raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
    await lock_now(call.service, call.caller, "asked for", scope)
    return Sent(Done())


def _zero_knowledge(service: Service, scope: Scope) -> Project | None:
    # the project of a scope, if a passphrase of its own opens it
    project = scope.project
    own = project is not None and service.house.keys.custody(project) == Custody.ZERO_KNOWLEDGE
    return project if own else None


async def _hold_project(service: Service, project: Project, descriptors: tuple[int, ...]) -> None:
    vault = service.house.vault
    head = vault.key_head(project)
    if head is not None:
        place = vault.place(record.key_stream(project), head.seq)
        async with unless_locked(service, Scope(project)):
            await service.keyholder.ask(HoldKeys(place), (head.data,), descriptors)


def _may_be_there(service: Service, project: Project) -> bool:
    with suppress(EnvFSError):
        return service.locks.is_held(project) or service.house.vault.key_head(project) is not None
    return True  # whoever says lock is not to be told of the vault's troubles instead


def _scope(project: str) -> Scope:
    return Scope(names.project_named(project)) if project else VAULT

"""Requests that unlock and lock: the keyholder learns a key, or forgets it and the views of it. For the owner only."""

from contextlib import suppress

from envfs.control.call import Call, Sent
from envfs.control.identity import load_identity
from envfs.control.locking import lock_now, one_try, unless_locked
from envfs.core import keyfile, record
from envfs.core.audit import Event
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.protocol.control import Done, Lock, Unlock
from envfs.protocol.keyholding import HoldKeys
from envfs.service.project_keys import project_of
from envfs.service.rekeying import finish_all
from envfs.service.service import Service


async def unlock(call: Call, request: Unlock) -> Sent:
    """Give the keyholder a key, and remember when to take it away again."""
    service, scope = call.service, _scope(request.project)
    locks, own = service.locks, bool(scope) and service.house.keys.custody(scope[1:]) == keyfile.ZERO_KNOWLEDGE
    ends = scope if own or locks.unlocked else ""  # whose identity was wanted for a project is locked with it
    async with one_try(call, scope if own else ""):
        if own:
            await _hold_project(service, scope, call.descriptors)
        else:
            await load_identity(service, call.descriptors, scope)
    locks.opened(ends, request.seconds)
    locks.closed = locks.closed - {scope} if scope else set()
    service.log.append(Event("unlock", "socket", scope or "/", rule=_how_long(request.seconds)), call.caller)
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
    if scope and not _may_be_there(call.service, scope):
        raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
    await lock_now(call.service, call.caller, "asked for", scope)
    return Sent(Done())


async def _hold_project(service: Service, project: str, descriptors: tuple[int, ...]) -> None:
    vault = service.house.vault
    head = vault.key_head(project[1:])
    if head is not None:
        place = vault.place(record.key_stream(project[1:]), head.seq)
        async with unless_locked(service, project):
            await service.keyholder.ask(HoldKeys(place), (head.data,), descriptors)


def _may_be_there(service: Service, scope: str) -> bool:
    with suppress(EnvFSError):
        return service.locks.is_held(scope) or service.house.vault.key_head(scope[1:]) is not None
    return True  # whoever says lock is not to be told of the vault's troubles instead


def _scope(project: str) -> str:
    return f"/{project_of(project)}" if project else ""


def _how_long(seconds: int) -> str:
    return f"for {seconds} s" if seconds else ""

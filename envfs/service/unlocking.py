"""Unlocking and locking on request: the keyholder learns a key, or forgets it and the views of it."""

from contextlib import suppress

from envfs.core import keyfile, record
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import EnvFSError, NoSuchLevel
from envfs.protocol.keyholding import Held, HoldKeys
from envfs.service.identity import load_identity
from envfs.service.locking import lock_now, one_try, unless_locked
from envfs.service.rekeying import finish_all
from envfs.service.service import Service


async def unlock(service: Service, caller: Caller, scope: str, seconds: int, passphrase: tuple[int, ...]) -> None:
    """Give the keyholder a key, and remember when to take it away again: after `seconds`, 0 for never.

    Raises:
        WrongPassphrase: the passphrase does not open it
        Conflict: it was locked meanwhile
    """
    locks, own = service.locks, bool(scope) and service.house.keys.custody(scope[1:]) == keyfile.ZERO_KNOWLEDGE
    ends = scope if own or locks.unlocked else ""  # the identity that a project needed is locked with it
    async with one_try(service, caller, scope if own else "", passphrase):
        if own:
            await _hold_project(service, scope, passphrase)
        else:
            await load_identity(service, passphrase, scope)
    locks.opened(ends, seconds)
    locks.closed = locks.closed - {scope} if scope else set()
    service.log.append(Event("unlock", "socket", scope or "/", rule=_how_long(seconds)), caller)
    service.house.changes.unlocked()
    with suppress(EnvFSError):  # it is unlocked all the same
        await finish_all(service.house, caller)


async def lock(service: Service, caller: Caller, scope: str) -> None:
    """Lock the vault, or one project.

    Raises:
        NoSuchLevel: there is no such project
    """
    if scope and not _may_be_there(service, scope):
        raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
    await lock_now(service, caller, "asked for", scope)


async def _hold_project(service: Service, project: str, descriptors: tuple[int, ...]) -> None:
    vault = service.house.vault
    head = vault.key_head(project[1:])
    if head is not None:
        place = vault.place(record.key_stream(project[1:]), head.seq)
        async with unless_locked(service, project):
            await service.keyholder.ask(HoldKeys(place), Held, (head.data,), descriptors)


def _may_be_there(service: Service, scope: str) -> bool:
    with suppress(EnvFSError):
        return service.locks.is_held(scope) or service.house.vault.key_head(scope[1:]) is not None
    return True  # whoever says lock is not to be told of the vault's troubles instead


def _how_long(seconds: int) -> str:
    return f"for {seconds} s" if seconds else ""

"""Locking, for any caller: every view is wiped at once, then the keyholder forgets.

Laws: what is locked serves nothing, not even to a file that was opened before; what cannot be locked alone is locked
with everything else. A wrong passphrase is on the log, and the next try after it waits, longer each time.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.keyfile import Custody
from envfs.core.scope import VAULT, Scope
from envfs.errors import Conflict, EnvFSError, TooLarge, WrongPassphrase
from envfs.protocol.keyholding import Forget, Forgotten
from envfs.service.service import Service


async def lock_now(service: Service, caller: Caller, reason: str, scope: Scope = VAULT) -> None:
    """Wipe the views at once, then make the keyholder forget. The mount and the names of levels stay.

    Raises:
        TooLarge: too many projects are locked by themselves, so everything was locked
    """
    custody = _custody(service, scope)
    service.locks.locked(scope, closed=custody == Custody.MANAGED)
    service.open_vault.views.lock(scope)
    service.proxies.lock(scope)
    try:
        await service.keyholder.ask(Forget(scope.project, custody), Forgotten)
    except TooLarge as error:
        await lock_now(service, caller, f"{scope} cannot be locked alone")
        raise TooLarge(f"{error.text}, so everything was locked", error.hint) from None
    finally:
        service.open_vault.views.lock(scope)  # what was being made while the keyholder still knew
        await service.after_lock()
        service.open_vault.changes.locked(scope)
        service.log.append(events.locked(scope, reason), caller)


@asynccontextmanager
async def unless_locked(service: Service, scope: Scope) -> AsyncIterator[None]:
    """Let the keyholder learn the key of a scope. If that, or the vault, is locked meanwhile, it forgets it again.

    Raises:
        Conflict: it was locked meanwhile
    """
    locks = service.locks
    times_before = {name: locks.times_locked(name) for name in (VAULT, scope)}
    yield
    for name, times in times_before.items():
        if locks.times_locked(name) != times:
            await lock_now(service, service.me, "locked meanwhile", name)
            raise Conflict(f"{name} was locked meanwhile", "unlock it, and look what was done")


@asynccontextmanager
async def one_try(service: Service, caller: Caller, scope: Scope, passphrase: tuple[int, ...]) -> AsyncIterator[None]:
    """Let one try of a passphrase go at a time, or waiting would be worth nothing. A wrong one is logged.

    `passphrase` is its descriptor. Without one nothing is tried.
    """
    locks = service.locks
    async with locks.turn:
        await trio.sleep(locks.wait(scope) if passphrase else 0)
        try:
            yield
            if passphrase:
                locks.right(scope)
        except WrongPassphrase:
            if passphrase:
                locks.wrong(scope)
                service.log.append(events.refused_passphrase(scope), caller)
            raise


def _custody(service: Service, scope: Scope) -> Custody | None:
    # a vault that cannot be read must not keep anybody from locking: a mark locks whatever the custody is
    if scope.project is None:
        return None
    try:
        return service.open_vault.keys.custody(scope.project)
    except EnvFSError:
        return Custody.MANAGED

"""Locking and unlocking: the keyholder learns a key, or forgets it and every view with it. For the owner only.

Laws: what is locked serves nothing, not even to a file that was opened before; a wrong passphrase is on the log, and
the next try after it waits, longer each time.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from envfs.control.call import Call, Sent
from envfs.control.finishing import finish_all
from envfs.control.service import Service
from envfs.core import keyfile, record
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import Locked, NoVault, WrongPassphrase
from envfs.gate.keys import project_of
from envfs.host import files
from envfs.protocol.control import ChangePassphrase, Done, Lock, Unlock
from envfs.protocol.keyholding import Forget, HoldKeys, LoadIdentity, Rewrap


async def unlock(call: Call, request: Unlock) -> Sent:
    """Give the keyholder a key, and remember when to take it away again."""
    service, scope = call.service, _scope(request.project)
    async with one_try(call, scope):
        if scope and service.house.keys.custody(scope[1:]) == keyfile.ZERO_KNOWLEDGE:
            await _hold_project(service, scope, call.descriptors)
        else:
            await load_identity(service, call.descriptors, scope)
    service.locks.opened(scope, request.seconds)
    _log(service, call.caller, Event("unlock", "socket", scope or "/", rule=_how_long(request.seconds)))
    await finish_all(service.house, call.caller)
    return Sent(Done())


async def lock(call: Call, request: Lock) -> Sent:
    """Lock the vault, or one project."""
    await lock_now(call.service, call.caller, "asked for", _scope(request.project))
    return Sent(Done())


async def lock_now(service: Service, caller: Caller, reason: str, scope: str = "") -> None:
    """Wipe the views at once, then make the keyholder forget; the mount and the names of levels stay."""
    custody = service.house.keys.custody(scope[1:]) if scope else ""
    service.locks.locked(scope, closed=custody == keyfile.MANAGED)
    service.house.views.lock(scope)
    await service.keyholder.ask(Forget(scope, custody))
    service.house.views.lock(scope)  # what was being made while the keyholder still knew
    await service.after_lock()
    _log(service, caller, Event("lock", "socket", scope or "/", rule=reason))


async def change_passphrase(call: Call, _request: ChangePassphrase) -> Sent:
    """Put the vault's identity under another passphrase."""
    service = call.service
    path = service.places.identity
    handle = _open_identity(service.settings.load().identity_file, path)
    try:
        async with one_try(call, ""):
            answer = await service.keyholder.ask(Rewrap(), (), (handle, *call.descriptors))
        _log(service, call.caller, Event("key", "socket", "/", form="passphrase", rule="identity"))
        files.replace_secret(Path(path), answer.blobs[0])
    finally:
        os.close(handle)
    return Sent(Done())


@asynccontextmanager
async def one_try(call: Call, scope: str) -> AsyncIterator[None]:
    """Let one try of a passphrase go at a time, or waiting would be worth nothing; a wrong one is logged."""
    locks = call.service.locks
    async with locks.turn:
        await trio.sleep(locks.wait())
        try:
            yield
        except WrongPassphrase:
            if call.descriptors:
                locks.wrong_tries += 1
                _log(
                    call.service,
                    call.caller,
                    Event("refuse", "socket", scope or "/", 0, "unlock", rule="wrong passphrase"),
                )
            raise


async def load_identity(service: Service, passphrase: tuple[int, ...], project: str = "") -> None:
    """Open the identity file and hand it to the keyholder unread, with the passphrase if there is one.

    `project` is the one whose lock is opened by it; empty for all.

    Raises:
        WrongPassphrase: it does not open, or needs a passphrase
        Locked: the vault was locked meanwhile
    """
    about, before = service.house.vault.description, service.locks.count
    handle = _open_identity(service.settings.load().identity_file, service.places.identity)
    request = LoadIdentity(about.recipient, about.signing_key, project)
    try:
        await service.keyholder.ask(request, (), (handle, *passphrase))
    finally:
        os.close(handle)
    await _unless_locked_since(service, before)
    service.locks.unlocked = True


async def _hold_project(service: Service, project: str, descriptors: tuple[int, ...]) -> None:
    vault, before = service.house.vault, service.locks.count
    head = vault.key_head(project[1:])
    if head is not None:
        place = vault.place(record.key_stream(project[1:]), head.seq)
        await service.keyholder.ask(HoldKeys(place), (head.data,), descriptors)
    await _unless_locked_since(service, before)


async def _unless_locked_since(service: Service, before: int) -> None:
    if service.locks.count != before:
        await service.keyholder.ask(Forget())
        service.locks.lost()
        raise Locked("it was locked meanwhile", "unlock it again")


def _scope(project: str) -> str:
    return f"/{project_of(project)}" if project else ""


def _how_long(seconds: int) -> str:
    return f"for {seconds} s" if seconds else ""


def _open_identity(named: str, usual: str) -> int:
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    under_systemd = f"{credentials}/envfs-identity" if credentials else ""
    path = under_systemd if under_systemd and os.path.exists(under_systemd) else named or usual
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NoVault(f"cannot read the identity {path}: {os.strerror(error.errno or 5).lower()}") from None
    reason = files.unsafe(os.fstat(handle), private=True) if path == named else ""
    if reason:
        os.close(handle)
        raise NoVault(f"the identity file {path} is not trusted: {reason}", f"chmod 600 {path}")
    return handle


def _log(service: Service, caller: Caller, event: Event) -> None:
    service.log.append(event, caller)

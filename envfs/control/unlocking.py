"""Locking and unlocking: the keyholder learns a key, or forgets it and every view with it. For the owner only.

Laws: what is locked serves nothing, not even to a file that was opened before; a wrong passphrase is on the log, and
the next try after it waits, longer each time.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio

from envfs.control.call import Call, Sent
from envfs.control.service import Service
from envfs.core import keyfile, record
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import BadRequest, EnvFSError, Locked, NoVault, WrongPassphrase
from envfs.gate.keys import project_of
from envfs.host import files, keyrings
from envfs.protocol.control import ChangePassphrase, Done, ForgetIdentity, KeepIdentity, Lock, Unlock
from envfs.protocol.keyholding import CopyIdentity, Forget, HoldKeys, LoadIdentity, Rewrap


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
    handle = _open_file(service.settings.load().identity_file or path, private=False)
    try:
        async with one_try(call, ""):
            answer = await service.keyholder.ask(Rewrap(), (), (handle, *call.descriptors))
        _log(service, call.caller, Event("key", "socket", "/", form="passphrase", rule="identity"))
        files.replace_secret(Path(path), answer.blobs[0])
    finally:
        os.close(handle)
    return Sent(Done())


async def keep_identity(call: Call, request: KeepIdentity) -> Sent:
    """Keep the identity in a keyring of the operating system, beside its file."""
    service, name = call.service, call.service.house.vault.description.id
    handle = _open_file(service.settings.load().identity_file or service.places.identity, private=False)
    target = os.memfd_create("envfs", os.MFD_CLOEXEC)
    try:
        async with one_try(call, ""):
            await service.keyholder.ask(CopyIdentity(), (), (handle, *call.descriptors, target))
        _log(service, call.caller, Event("key", "socket", "/", form="keyring", rule=request.keyring))
        await trio.to_thread.run_sync(keyrings.keep, request.keyring, name, target)
    finally:
        os.close(target)
        os.close(handle)
    service.settings.set_keyring(request.keyring)
    return Sent(Done())


async def forget_identity(call: Call, _request: ForgetIdentity) -> Sent:
    """Take the identity out of the keyring; its file is what is left."""
    service = call.service
    keyring, name = service.settings.load().keyring, service.house.vault.description.id
    if not keyring:
        raise BadRequest("the identity is in no keyring", "`envfs keyring add` keeps it in one")
    _log(service, call.caller, Event("key", "socket", "/", form="keyring", rule="none"))
    await trio.to_thread.run_sync(keyrings.drop, keyring, name)
    service.settings.set_keyring("")
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
    handle = await _open_identity(service)
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


async def _open_identity(service: Service) -> int:
    # where it may be: systemd's credentials, a file that the settings name, a keyring that they name, its usual place
    credentials, settings = os.environ.get("CREDENTIALS_DIRECTORY", ""), service.settings.load()
    under_systemd = f"{credentials}/envfs-identity" if credentials else ""
    if under_systemd and os.path.exists(under_systemd):  # noqa: ASYNC240 - a local look
        return _open_file(under_systemd, private=False)
    if settings.identity_file:
        return _open_file(settings.identity_file, private=True)
    if settings.keyring:
        with suppress(EnvFSError):  # then the passphrase is asked for, as ever
            name = service.house.vault.description.id
            found = await trio.to_thread.run_sync(keyrings.fetch, settings.keyring, name)
            if found is not None:
                return found
    return _open_file(service.places.identity, private=False)


def _open_file(path: str, *, private: bool) -> int:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NoVault(f"cannot read the identity {path}: {os.strerror(error.errno or 5).lower()}") from None
    reason = files.unsafe(os.fstat(handle), private=True) if private else ""
    if reason:
        os.close(handle)
        raise NoVault(f"the identity file {path} is not trusted: {reason}", f"chmod 600 {path}")
    return handle


def _log(service: Service, caller: Caller, event: Event) -> None:
    service.log.append(event, caller)

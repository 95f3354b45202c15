"""Locking and unlocking: the keyholder learns a key, or forgets it and every view with it. For the owner only.

Laws: what is locked serves nothing, not even to a file that was opened before; a wrong passphrase is on the log, and
the next try after it waits, longer each time; what cannot be locked alone is locked with everything else.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio

from envfs.control.call import Call, Sent
from envfs.control.finishing import finish_changes
from envfs.control.service import Service
from envfs.core import keyfile, record
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import BadRequest, Conflict, EnvFSError, NoSuchLevel, NoVault, TooLarge, WrongPassphrase
from envfs.gate.keys import project_of
from envfs.host import files, keyrings
from envfs.protocol.control import ChangePassphrase, Done, ForgetIdentity, KeepIdentity, Lock, Unlock
from envfs.protocol.keyholding import CopyIdentity, Forget, HoldKeys, LoadIdentity, Rewrap


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
    _log(service, call.caller, Event("unlock", "socket", scope or "/", rule=_how_long(request.seconds)))
    with suppress(EnvFSError):  # it is unlocked all the same
        await finish_changes(service.house, call.caller)
    return Sent(Done())


async def lock(call: Call, request: Lock) -> Sent:
    """Lock the vault, or one project.

    Raises:
        NoSuchLevel: there is no such project
    """
    scope = _scope(request.project)
    if scope and not _may_be_there(call.service, scope):
        raise NoSuchLevel(f"there is no project {scope}", "`envfs project ls` lists them")
    await lock_now(call.service, call.caller, "asked for", scope)
    return Sent(Done())


async def lock_now(service: Service, caller: Caller, reason: str, scope: str = "") -> None:
    """Wipe the views at once, then make the keyholder forget; the mount and the names of levels stay.

    Raises:
        TooLarge: too many projects are locked by themselves, so everything was locked
    """
    custody = _custody(service, scope)
    service.locks.locked(scope, closed=custody == keyfile.MANAGED)
    service.house.views.lock(scope)
    try:
        await service.keyholder.ask(Forget(scope, custody))
    except TooLarge as error:
        await lock_now(service, caller, f"{scope} cannot be locked alone")
        raise TooLarge(f"{error.text}, so everything was locked", error.hint) from None
    finally:
        service.house.views.lock(scope)  # what was being made while the keyholder still knew
        await service.after_lock()
        _log(service, caller, Event("lock", "socket", scope or "/", rule=reason))


@asynccontextmanager
async def unless_locked(service: Service, scope: str) -> AsyncIterator[None]:
    """Let the keyholder learn the key of a scope; if that, or the vault, is locked meanwhile, it forgets it again.

    Raises:
        Conflict: it was locked meanwhile
    """
    locks = service.locks
    before = {each: locks.times_locked(each) for each in ("", scope)}
    yield
    for each, times in before.items():
        if locks.times_locked(each) != times:
            await lock_now(service, service.me, "locked meanwhile", each)
            raise Conflict(f"{each or 'the vault'} was locked meanwhile", "unlock it, and look what was done")


async def change_passphrase(call: Call, _request: ChangePassphrase) -> Sent:
    """Put the vault's identity under another passphrase."""
    service = call.service
    path = _identity_file(service)
    handle = _open_file(path, private=False)
    try:
        if path not in (service.places.identity, service.settings.load().identity_file):
            raise BadRequest(f"the identity is a credential, {path}", "it is changed where systemd has it from")
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
    handle = _open_file(_identity_file(service), private=False)
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
        await trio.sleep(locks.wait(scope) if call.descriptors else 0)
        try:
            yield
            if call.descriptors:
                locks.right(scope)
        except WrongPassphrase:
            if call.descriptors:
                locks.wrong(scope)
                _log(
                    call.service,
                    call.caller,
                    Event("refuse", "socket", scope or "/", 0, "unlock", rule="wrong passphrase"),
                )
            raise


async def load_identity(
    service: Service, passphrase: tuple[int, ...], project: str = "", *, reopen: bool = True
) -> None:
    """Open the identity file and hand it to the keyholder unread, with the passphrase if there is one.

    `project` is the one whose lock is opened by it; empty for all, or with `reopen` false for none.

    Raises:
        WrongPassphrase: it does not open, or needs a passphrase
        Conflict: it was locked meanwhile
    """
    about = service.house.vault.description
    request = LoadIdentity(about.recipient, about.signing_key, project, reopen)
    async with unless_locked(service, project):
        handle = await _open_identity(service)  # a keyring may wait for a person
        try:
            await service.keyholder.ask(request, (), (handle, *passphrase))
        finally:
            os.close(handle)
    service.locks.unlocked = True


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


def _custody(service: Service, scope: str) -> str:
    # a vault that cannot be read must not keep anybody from locking: a mark locks whatever the custody is
    if not scope:
        return ""
    try:
        return service.house.keys.custody(scope[1:])
    except EnvFSError:
        return keyfile.MANAGED


def _scope(project: str) -> str:
    return f"/{project_of(project)}" if project else ""


def _how_long(seconds: int) -> str:
    return f"for {seconds} s" if seconds else ""


def _identity_file(service: Service) -> str:
    # systemd's credentials come first, then a file that the settings name, then its usual place
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    under_systemd = f"{credentials}/envfs-identity" if credentials else ""
    if under_systemd and os.path.exists(under_systemd):
        return under_systemd
    return service.settings.load().identity_file or service.places.identity


async def _open_identity(service: Service) -> int:
    # in the usual place it is under a passphrase: a keyring that has it as well spares that
    path, keyring = _identity_file(service), service.settings.load().keyring
    if keyring and path == service.places.identity:
        with suppress(EnvFSError):  # then the passphrase is asked for, as ever
            name = service.house.vault.description.id
            found = await trio.to_thread.run_sync(keyrings.fetch, keyring, name)
            if found is not None:
                return found
    return _open_file(path, private=path == service.settings.load().identity_file)


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

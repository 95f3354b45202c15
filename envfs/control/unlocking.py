"""Locking and unlocking: the keyholder learns the identity, or forgets it and every view with it. For the owner only.

Laws: a locked vault serves nothing, not even to a file that was opened before; a wrong passphrase is on the log, and
the next try after it waits, longer each time.
"""

import math
import os

import trio

from envfs.control.call import Call, Sent
from envfs.control.service import Service
from envfs.core.audit import Event
from envfs.core.policy import Caller
from envfs.errors import NoVault, WrongPassphrase
from envfs.host import clocks, files
from envfs.protocol.control import Done, Lock, Unlock
from envfs.protocol.keyholding import Forget, LoadIdentity

_LONGEST_WAIT, _TRIES_THAT_COUNT = 30.0, 10


async def unlock(call: Call, request: Unlock) -> Sent:
    """Give the keyholder the identity, and remember when to take it away again."""
    service = call.service
    async with service.unlocking:  # one try at a time, or waiting would be worth nothing
        await trio.sleep(min(2.0 ** min(service.wrong_tries, _TRIES_THAT_COUNT) - 1, _LONGEST_WAIT))
        try:
            await load_identity(service, call.descriptors)
        except WrongPassphrase:
            if call.descriptors:
                service.wrong_tries += 1
                _log(service, call.caller, "refuse", "wrong passphrase")
            raise
    service.wrong_tries = 0
    service.lock_at = clocks.boot_seconds() + request.seconds if request.seconds else math.inf
    _log(service, call.caller, "unlock", f"for {request.seconds} s" if request.seconds else "")
    return Sent(Done())


async def lock(call: Call, _request: Lock) -> Sent:
    """Lock the vault."""
    await lock_vault(call.service, call.caller, "asked for")
    return Sent(Done())


async def lock_vault(service: Service, caller: Caller, reason: str) -> None:
    """Wipe every view at once, then make the keyholder forget; the mount and the names of levels stay."""
    service.unlocked = False
    service.lock_at = math.inf
    service.house.views.lock()
    await service.keyholder.ask(Forget())
    await service.after_lock()
    _log(service, caller, "lock", reason)


async def load_identity(service: Service, passphrase: tuple[int, ...]) -> None:
    """Open the identity file and hand it to the keyholder unread, with the passphrase if there is one.

    Raises:
        WrongPassphrase: it does not open, or needs a passphrase
    """
    about = service.house.vault.description
    handle = _open_identity(service.settings.load().identity_file, service.places.identity)
    try:
        await service.keyholder.ask(LoadIdentity(about.recipient, about.signing_key), (), (handle, *passphrase))
    finally:
        os.close(handle)
    service.unlocked = True


def identity_path(named: str, usual: str) -> str:
    """Choose the identity's file: systemd's credential, the one that the settings name, the usual one."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    under_systemd = f"{credentials}/envfs-identity" if credentials else ""
    return under_systemd if under_systemd and os.path.exists(under_systemd) else named or usual


def _open_identity(named: str, usual: str) -> int:
    path = identity_path(named, usual)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NoVault(f"cannot read the identity {path}: {os.strerror(error.errno or 5).lower()}") from None
    reason = files.unsafe(os.fstat(handle), private=True) if path == named else ""
    if reason:
        os.close(handle)
        raise NoVault(f"the identity file {path} is not trusted: {reason}", f"chmod 600 {path}")
    return handle


def _log(service: Service, caller: Caller, what: str, rule: str) -> None:
    service.log.append(Event(what, "socket", "/", form="unlock" if what == "refuse" else "", rule=rule), caller)

"""The vault's identity: its file, its way into the keyholder, its passphrase, its copy in a keyring."""

import os
from contextlib import suppress
from pathlib import Path

import trio

from envfs import safe_open
from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.core.names import ROOT
from envfs.core.operations import KeyOperation
from envfs.core.scope import VAULT, Scope
from envfs.errors import BadRequest, EnvFSError, NoVault
from envfs.host import clocks, keyrings, private_files
from envfs.host.keyrings import KeyringKind
from envfs.protocol.keyholding import Copied, CopyIdentity, IdentityMade, LoadIdentity, Rewrap, Rewrapped
from envfs.service.keys.locking import one_try, unless_locked
from envfs.service.service import Service


async def load_identity(
    service: Service,
    passphrase: tuple[int, ...],
    scope: Scope = VAULT,
    *,
    reopen: bool = True,
    given: tuple[int, ...] = (),
) -> None:
    """Open the identity file and hand it to the keyholder unread, with the passphrase if there is one.

    `scope` is what is opened by it. With `reopen` false, nothing that a person locked. `given` is a descriptor of the
    identity, in the place of its file.

    Raises:
        WrongPassphrase: it does not open, or needs a passphrase
        Conflict: it was locked meanwhile
    """
    vault = service.open_vault.vault
    about, blobs = vault.description, list[bytes]()
    request = LoadIdentity(
        about.recipient,
        about.signing_key,
        scope.project,
        reopen,
        about.id,
        clocks.wall_time(),
        service.settings.load().founder,
        vault.add_members(blobs),
    )
    async with unless_locked(service, scope):
        handle = os.dup(given[0]) if given else await _open_identity(service)  # a keyring may wait for a person
        try:
            await service.keyholder.ask(request, IdentityMade, blobs, (handle, *passphrase))
        finally:
            os.close(handle)
    service.locks.unlocked = True
    service.sharing.unlocked()
    await service.ledger.authenticate(service.keyholder)


async def bring_identity(service: Service, caller: Caller, given: tuple[int, ...]) -> None:
    """Use an identity that a client has for its one command. It could open the vault without EnvFS: it needs no rule.

    Raises:
        BadRequest: this daemon serves others as well
        WrongPassphrase: it does not open the vault, or is under a passphrase
    """
    if service.lasts:
        raise BadRequest(
            "a daemon runs here, and an identity is brought to one command alone",
            "unset ENVFS_IDENTITY and ENVFS_IDENTITY_FILE, or end the daemon with `envfs unmount`",
        )
    await load_identity(service, (), given=given)
    service.book.give(Rule(ROOT, caller.uid))


async def rewrap_identity(service: Service, caller: Caller, passphrases: tuple[int, ...]) -> None:
    """Put the vault's identity under another passphrase. `passphrases` are descriptors of the old and the new one.

    Raises:
        BadRequest: the identity is a credential of the service manager
        WrongPassphrase: the old one does not open it
    """
    path = identity_file(service)
    handle = _open_file(path, private=False)
    try:
        if path not in (service.places.identity, service.settings.load().identity_file):
            raise BadRequest(f"the identity is a credential, {path}", "it is changed where systemd has it from")
        async with one_try(service, caller, VAULT, passphrases):
            answer = await service.keyholder.ask(Rewrap(), Rewrapped, (), (handle, *passphrases))
        service.log.append(events.identity_changed(KeyOperation.PASSPHRASE, "identity"), caller)
        private_files.replace_secret(Path(path), answer.blobs[0])
    finally:
        os.close(handle)


async def store_in_keyring(service: Service, caller: Caller, keyring: KeyringKind, passphrase: tuple[int, ...]) -> None:
    """Keep the identity in a keyring of the operating system, beside its file.

    Raises:
        WrongPassphrase: the passphrase does not open it
    """
    name = service.open_vault.vault.description.id
    handle = _open_file(identity_file(service), private=False)
    target = os.memfd_create("envfs", os.MFD_CLOEXEC)
    try:
        async with one_try(service, caller, VAULT, passphrase):
            await service.keyholder.ask(CopyIdentity(), Copied, (), (handle, *passphrase, target))
        service.log.append(events.identity_changed(KeyOperation.KEYRING, keyring), caller)
        await trio.to_thread.run_sync(keyrings.store_secret, keyring, name, target)
    finally:
        os.close(target)
        os.close(handle)
    service.settings.set_keyring(keyring)


async def remove_from_keyring(service: Service, caller: Caller) -> None:
    """Remove the identity from the keyring. Its file is what is left.

    Raises:
        BadRequest: it is in no keyring
    """
    text, name = service.settings.load().keyring, service.open_vault.vault.description.id
    if not text:
        raise BadRequest("the identity is in no keyring", "`envfs keyring add kernel` keeps it in one")
    keyring = keyrings.parse_keyring(text)
    service.log.append(events.identity_changed(KeyOperation.KEYRING, "none"), caller)
    await trio.to_thread.run_sync(keyrings.remove_secret, keyring, name)
    service.settings.set_keyring("")


def open_identity_file(service: Service) -> int:
    """Open the identity's file. Raises NoVault."""
    return _open_file(identity_file(service), private=False)


def identity_file(service: Service) -> str:
    """Return the path of the identity's file."""
    # systemd's credentials come first, then a file that the settings name, then its usual place
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    under_systemd = f"{credentials}/envfs-identity" if credentials else ""
    if under_systemd and os.path.exists(under_systemd):
        return under_systemd
    return service.settings.load().identity_file or service.places.identity


async def _open_identity(service: Service) -> int:
    # in the usual place it is under a passphrase: a keyring that has it as well spares that
    path, keyring = identity_file(service), service.settings.load().keyring
    if keyring and path == service.places.identity:
        with suppress(EnvFSError):  # then the passphrase is asked for, as ever
            name = service.open_vault.vault.description.id
            keyring_descriptor = await trio.to_thread.run_sync(
                keyrings.fetch_secret, keyrings.parse_keyring(keyring), name
            )
            if keyring_descriptor is not None:
                return keyring_descriptor
    return _open_file(path, private=path == service.settings.load().identity_file)


def _open_file(path: str, *, private: bool) -> int:
    try:
        handle = safe_open.open_file(path, follow=True)
    except OSError as error:
        raise NoVault(
            f"cannot read the identity {path}: {safe_open.error_words(error)}", "`envfs doctor` looks at it"
        ) from None
    reason = private_files.unsafe(os.fstat(handle), private=True) if private else ""
    if reason:
        os.close(handle)
        raise NoVault(f"the identity file {path} is not trusted: {reason}", f"chmod 600 {path}")
    return handle

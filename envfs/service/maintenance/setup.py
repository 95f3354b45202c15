"""Making a vault: an identity, the vault's description, default settings, and the first grant.

Law: nothing that is there is replaced. All that can refuse is looked at before the identity is made.
"""

import os
from pathlib import Path

from envfs import safe_open
from envfs.core import events, names
from envfs.core.access.caller import Caller
from envfs.core.access.rule import Rule
from envfs.errors import AlreadyExists, EnvFSError, NoVault, WrongPassphrase
from envfs.host import clocks, private_files
from envfs.protocol.keyholding import CreateIdentity, IdentityMade
from envfs.service.service import Service
from envfs.vault import description, vault
from envfs.vault.description import Description


async def create_vault(
    service: Service, caller: Caller, identity_file: str, passphrase: tuple[int, ...]
) -> Description:
    """Make an identity, a vault and the first grant. Returns the vault's description.

    The identity is written to `identity_file` unencrypted, or under the passphrase in its usual place.

    Raises:
        AlreadyExists: there is a vault, or an identity
        NoVault: a folder cannot be made or written
        WrongPassphrase: no passphrase came for an identity in its usual place
    """
    places = service.places
    if service.store.get(description.KEY) is not None:
        raise AlreadyExists(f"there is a vault already at {places.vault}", "use it, or set ENVFS_HOME for another")
    if not identity_file and os.path.exists(places.identity):  # noqa: ASYNC240 - a local look, once
        raise AlreadyExists(f"there is an identity already at {places.identity}", "move it aside")
    check_settings(service, identity_file)
    _check_place(places.home)
    if not identity_file and not passphrase:
        raise WrongPassphrase("a new identity needs a passphrase", "type one, or use --passphrase-file")
    _make_folders(places.home, identity_file)
    creation, blobs = await new_identity(service, identity_file, passphrase)
    if not identity_file:
        write_new(Path(places.identity), blobs[0])
    import uuid  # noqa: PLC0415 - once in the life of a vault

    about = Description(str(uuid.uuid4()), clocks.wall_time(), creation.recipient, creation.signing_key)
    vault.write_vault(service.store, about)
    service.settings.write_defaults(identity_file)
    service.log.append(events.initialized(), caller)
    service.book.give(Rule(names.ROOT, caller.uid))
    service.locks.unlocked = True
    return about


def check_settings(service: Service, identity_file: str) -> None:
    """Refuse to make an identity that the settings do not name. Raises AlreadyExists."""
    # the settings say where the identity is, and an identity that they do not name would never be found
    path = service.settings.path
    if path.exists() and service.settings.load().identity_file != identity_file:
        raise AlreadyExists(f"{path} names another identity", "move it aside, or change `file` in its [identity]")


def _check_place(home: str) -> None:
    place = Path(home)
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise NoVault(f"cannot make {home}: {place} cannot be written", "set ENVFS_HOME for another place")


def _make_folders(home: str, identity_file: str) -> None:
    try:
        private_files.make_passable(Path(home))  # others reach the socket and the mount through it
    except OSError as error:
        raise NoVault(f"cannot make {home}: {safe_open.error_words(error)}") from None
    if identity_file and (not identity_file.startswith("/") or "\0" in identity_file):
        raise NoVault("the identity file needs an absolute path")


async def new_identity(
    service: Service, identity_file: str, passphrase: tuple[int, ...], founder: str = ""
) -> tuple[IdentityMade, tuple[bytes, ...]]:
    """Make an identity, in a new file or as what is to be written into its usual place. `founder` as in CreateIdentity.

    Raises:
        AlreadyExists: there is such a file
    """
    if identity_file:
        handle = _open_new(Path(identity_file))
        try:
            answer = await service.keyholder.ask(
                CreateIdentity(plain=True, founder=founder), IdentityMade, (), (handle,)
            )
        except EnvFSError:
            os.unlink(identity_file)  # nothing was written into it
            raise
        finally:
            os.close(handle)
        private_files.sync_folder(Path(identity_file).parent)  # nothing opens the vault without this file
    else:
        answer = await service.keyholder.ask(CreateIdentity(plain=False, founder=founder), IdentityMade, (), passphrase)
    return answer.message, answer.blobs


def write_new(path: Path, data: bytes) -> None:
    """Write a new private file and have it on the disk. Raises AlreadyExists."""
    handle = _open_new(path)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    private_files.sync_folder(path.parent)


def _open_new(path: Path) -> int:
    try:
        private_files.make_folder(path.parent)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise AlreadyExists(
            f"there is a file already at {path}", "move it aside: an identity is never replaced"
        ) from None
    except OSError as error:
        raise NoVault(f"cannot write {path}: {safe_open.error_words(error)}") from None

"""Requests about the vault and its daemon: make, unlock, report, end. `status` is open to every uid."""

import contextlib
import os
import uuid
from pathlib import Path

from envfs import __version__
from envfs.control.access import new_rule
from envfs.control.call import Call, Sent
from envfs.core import events, names
from envfs.errors import AlreadyExists, EnvFSError, NoVault, WrongPassphrase
from envfs.host import clocks, files
from envfs.protocol.control import (
    Done,
    Init,
    Made,
    Status,
    StatusReport,
    Unmount,
)
from envfs.protocol.keyholding import CreateIdentity, IdentityMade
from envfs.service.service import Service
from envfs.vault import description, vault
from envfs.vault.description import Description


async def status(call: Call, _request: Status) -> Sent:
    """Report the daemon's state; an approved user learns what concerns them, a stranger only that it runs."""
    service = call.service
    if call.caller.uid != service.owner:
        return Sent(_outline(call))
    problems = service.problems()
    vault_id, grants = "", 0
    with contextlib.suppress(EnvFSError):
        vault_id = service.house.vault.description.id
        grants = len(service.settings.load().grants)
    places = service.places
    return Sent(
        StatusReport(
            release=__version__,
            pid=os.getpid(),
            uid=service.owner,
            vault=vault_id,
            vault_folder=places.vault,
            mount=service.mount,
            unlocked=service.locks.unlocked,
            keyholder_pid=service.keyholder_pid,
            grants=grants,
            log=places.log,
            log_entries=service.log.tip.seq if vault_id else 0,  # asking must not begin a log
            problems=problems,
        )
    )


def _outline(call: Call) -> StatusReport:
    service, grants = call.service, 0
    if not call.caller.doubt:
        with contextlib.suppress(EnvFSError):
            grants = sum(
                rule.uid == call.caller.uid and service.house.gate.seconds_left(rule) > 0
                for rule in service.settings.load().grants
            )
    return StatusReport(
        release="",
        pid=0,
        uid=service.owner,
        vault="",
        vault_folder="",
        mount=service.mount if grants else "",
        unlocked=service.locks.unlocked if grants else False,
        keyholder_pid=0,
        grants=grants,
        log="",
        log_entries=0,
        audience="approved" if grants else "other",
    )


# -- making and ending ------------------------------------------------------------------------------------------------


async def init(call: Call, request: Init) -> Sent:
    """Make an identity, a vault and the first grant."""
    service, places = call.service, call.service.places
    if service.store.get(description.KEY) is not None:
        raise AlreadyExists(f"there is a vault already at {places.vault}", "use it, or set ENVFS_HOME for another")
    if not request.identity_file and os.path.exists(places.identity):  # noqa: ASYNC240 - a local look, once
        raise AlreadyExists(f"there is an identity already at {places.identity}", "move it aside")
    _check_settings(service, request)
    _check_place(places.home)
    if not request.identity_file and not call.descriptors:
        raise WrongPassphrase("a new identity needs a passphrase", "type one, or use --passphrase-file")
    _make_folders(places.home, request.identity_file)
    made, blobs = await _new_identity(call, request)
    if not request.identity_file:
        _write_new(Path(places.identity), blobs[0])
    about = Description(str(uuid.uuid4()), clocks.wall(), made.recipient, made.signing_key)
    vault.create(service.store, about)
    service.settings.write_defaults(request.identity_file)
    service.log.append(events.initialized(), call.caller)
    service.settings.add_grant(new_rule(names.ROOT, call.caller.uid, 0))
    service.locks.unlocked = True
    return Sent(Made(about.id, about.recipient, places.home, call.caller.uid))


def _check_settings(service: Service, request: Init) -> None:
    # the settings say where the identity is, and an identity that they do not name would never be found
    path = service.settings.path
    if path.exists() and service.settings.load().identity_file != request.identity_file:
        raise AlreadyExists(f"{path} names another identity", "move it aside, or change `file` in its [identity]")


def _check_place(home: str) -> None:
    place = Path(home)
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise NoVault(f"cannot make {home}: {place} cannot be written", "set ENVFS_HOME for another place")


def _make_folders(home: str, identity_file: str) -> None:
    try:
        files.make_passable(Path(home))  # others reach the socket and the mount through it
    except OSError as error:
        raise NoVault(f"cannot make {home}: {os.strerror(error.errno or 5).lower()}") from None
    if identity_file and (not identity_file.startswith("/") or "\0" in identity_file):
        raise NoVault("the identity file needs an absolute path")


async def _new_identity(call: Call, request: Init) -> tuple[IdentityMade, tuple[bytes, ...]]:
    if request.identity_file:
        handle = _open_new(Path(request.identity_file))
        try:
            answer = await call.service.keyholder.ask(CreateIdentity(plain=True), (), (handle,))
        finally:
            os.close(handle)
    else:
        answer = await call.service.keyholder.ask(CreateIdentity(plain=False), (), call.descriptors)
    if not isinstance(answer.message, IdentityMade):
        raise TypeError("the keyholder answered something else")
    return answer.message, answer.blobs


def _write_new(path: Path, data: bytes) -> None:
    handle = _open_new(path)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    files.sync_folder(path.parent)


def _open_new(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise AlreadyExists(
            f"there is a file already at {path}", "move it aside: an identity is never replaced"
        ) from None
    except OSError as error:
        raise NoVault(f"cannot write {path}: {os.strerror(error.errno or 5).lower()}") from None


async def unmount(call: Call, _request: Unmount) -> Sent:
    """End the daemon after this reply."""
    return Sent(Done(), then=call.service.stop)

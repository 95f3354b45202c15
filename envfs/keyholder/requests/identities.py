"""Requests that make, load or forget the identity."""

import os
from functools import partial

from envfs import safe_open
from envfs.core import limits
from envfs.core.keyfile import Custody
from envfs.core.names import Project
from envfs.core.recipients import canonical_recipients, plugin_of
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, BadRequest, EnvFSError, NotApproved, WrongPassphrase
from envfs.keyholder.crypto import age
from envfs.keyholder.crypto import identity as identities
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.requests.members import check_device
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import (
    Copied,
    CopyIdentity,
    CreateIdentity,
    CreateRecovery,
    Forget,
    Forgotten,
    IdentityMade,
    LoadIdentity,
    Rewrap,
    Rewrapped,
    RotateIdentity,
)

_THREE = 3  # the identity, its passphrase, and what the request is about


def create_identity(request: CreateIdentity, work: Work) -> WorkResult:
    """Make an identity, hold it, and give it out under a passphrase or into a file."""
    text = identities.new_identity()
    identity = Identity(text)
    blobs: tuple[bytes, ...] = ()
    if request.plain:
        _write_plain(work.descriptors[0], text, identity.recipient, "a reader of this file can read the vault")
    else:
        blobs = (identities.wrap_identity(text, work.passphrase(0)),)
    work.keyring.hold(text, identity.author, request.founder)
    return WorkResult(IdentityMade(identity.recipient, identity.author), blobs)


def load_identity(request: LoadIdentity, work: Work) -> WorkResult:
    """Hold the identity of a file. Raises WrongPassphrase, and AuthenticationFailed if it is not the vault's owner."""
    data = work.read(0, limits.FRAME_BYTES, "the identity file")
    if identities.is_encrypted(data):
        if len(work.descriptors) == 1:
            raise WrongPassphrase("the identity needs its passphrase", "unlock it with `envfs unlock`")
        text = work.open_with(1, lambda passphrase: identities.unwrap_identity(data, passphrase))
    else:
        text = identities.identity_line(data)
    text, held = _device(text, request, work)
    work.keyring.hold(text, held.author, request.founder)
    if request.project is not None:
        work.keyring.forget_project(Project(request.project))
    elif request.reopen:
        work.keyring.reopen_all()
    return WorkResult(IdentityMade(held.recipient, held.author))


def _device(text: Secret[str], request: LoadIdentity, work: Work) -> tuple[Secret[str], Identity]:
    # of several, the one that the vault has now: a rotation may have been interrupted before its entry, or after
    lines, refusals = identities.lines_of(text), list[EnvFSError]()
    for line in lines:
        ordered = identities.joined((line, *(other for other in lines if other is not line)))
        held = Identity(ordered, founder=request.founder)
        try:
            check_device(held, request, work)
        except (AuthenticationFailed, NotApproved) as error:
            refusals.append(error)
        else:
            return ordered, held
    raise refusals[0]


def rotate_identity(_request: RotateIdentity, work: Work) -> WorkResult:
    """Make the next identity, and put it in front of those in the file. One that was made for that is taken again.

    Raises:
        WrongPassphrase: the file is under one that did not come, or is another
    """
    own = identities.lines_of(work.keyring.identity())[0]
    data = work.read(0, limits.FRAME_BYTES, "the identity file")
    is_encrypted = identities.is_encrypted(data)
    if is_encrypted and len(work.descriptors) < _THREE:
        raise WrongPassphrase("the identity needs its passphrase")
    opened = work.open_with(2, partial(_opened_by, data)) if is_encrypted else (identities.identity_line(data), None)
    fresh, lines, passphrase = identities.new_identity(), identities.lines_of(opened[0]), opened[1]
    if lines[0] != own:
        return WorkResult(_made(lines[0]))
    text = identities.joined((fresh, *lines))
    if passphrase is not None:
        return WorkResult(_made(fresh), (identities.wrap_identity(text, passphrase),))
    _write_plain(work.descriptors[1], text, Identity(fresh).recipient, "a reader of this file can read the vault")
    return WorkResult(_made(fresh))


def _opened_by(data: bytes, passphrase: Secret[str]) -> tuple[Secret[str], Secret[str] | None]:
    return identities.unwrap_identity(data, passphrase), passphrase


def _made(text: Secret[str]) -> IdentityMade:
    identity = Identity(text)
    return IdentityMade(identity.recipient, identity.author)


def change_passphrase(_request: Rewrap, work: Work) -> WorkResult:
    """Give the identity out under another passphrase."""
    text = _opened(work, "the old passphrase and a new one are needed")
    return WorkResult(Rewrapped(), (identities.wrap_identity(text, work.passphrase(2)),))


def copy_identity(_request: CopyIdentity, work: Work) -> WorkResult:
    """Write the identity of a file that is under a passphrase to a descriptor, unencrypted."""
    text = _opened(work, "the identity needs its passphrase")
    _write_all(work.descriptors[2], f"{text.reveal()}\n".encode())
    return WorkResult(Copied())


def create_recovery(request: CreateRecovery, work: Work) -> WorkResult:
    """Make an identity for recovery and write it where the person will see it. Nothing of it is kept."""
    if request.recipient:
        (recipient,) = canonical_recipients((request.recipient,))
        if not plugin_of(recipient):
            age.parse_recipient(recipient)
        return WorkResult(IdentityMade(recipient, ""))
    text = identities.new_identity()
    identity = Identity(text)
    _write_plain(
        work.descriptors[0], text, identity.recipient, "for recovery; keep it on paper, away from this machine"
    )
    return WorkResult(IdentityMade(identity.recipient, identity.author))


def forget(request: Forget, work: Work) -> WorkResult:
    """Hold nothing any more, or nothing of one project."""
    if request.project is None:
        work.keyring.forget()
    elif request.custody == Custody.MANAGED:
        work.keyring.close_project(Project(request.project))
    else:
        work.keyring.forget_project(Project(request.project))
    return WorkResult(Forgotten())


def _opened(work: Work, lack: str) -> Secret[str]:
    data = work.read(0, limits.FRAME_BYTES, "the identity file")
    if not identities.is_encrypted(data):
        raise BadRequest("the identity is under no passphrase", "its file alone opens the vault")
    if len(work.descriptors) < _THREE:
        raise WrongPassphrase(lack)
    return work.open_with(1, lambda passphrase: identities.unwrap_identity(data, passphrase))


def _write_plain(descriptor: int, text: Secret[str], recipient: str, note: str) -> None:
    _write_all(descriptor, f"# EnvFS identity; {note}\n# recipient: {recipient}\n{text.reveal()}\n".encode())


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError as error:
        reason = safe_open.error_words(error)
        raise EnvFSError(f"cannot write the identity: {reason}", "nothing was changed") from None

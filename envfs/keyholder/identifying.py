"""Requests that make, load or forget the identity."""

import os

from envfs.core import limits
from envfs.errors import AuthenticationFailed, WrongPassphrase
from envfs.keyholder import identity as identities
from envfs.keyholder.identity import Identity
from envfs.keyholder.work import Answer, Work
from envfs.protocol.keyholding import CreateIdentity, Forget, Forgotten, IdentityMade, LoadIdentity

_PASSPHRASE_BYTES = 4096


def create_identity(request: CreateIdentity, work: Work) -> Answer:
    """Make an identity, hold it, and give it out under a passphrase or into a file."""
    text = identities.new()
    made = Identity(text)
    blobs: tuple[bytes, ...] = ()
    if request.plain:
        note = f"# EnvFS identity; whoever reads this file reads the vault\n# recipient: {made.recipient}\n"
        _write_all(work.descriptors[0], f"{note}{text}\n".encode())
    else:
        blobs = (identities.wrap(text, _passphrase(work, 0)),)
    work.keyring.hold(text)
    return Answer(IdentityMade(made.recipient, made.author), blobs)


def load_identity(request: LoadIdentity, work: Work) -> Answer:
    """Hold the identity of a file, if it is the vault's owner."""
    data = work.read(0, limits.FRAME_BYTES, "the identity file")
    if identities.is_encrypted(data):
        if len(work.descriptors) == 1:
            raise WrongPassphrase("the identity needs its passphrase", "unlock it with `envfs unlock`")
        text = identities.unwrap(data, _passphrase(work, 1))
    else:
        text = identities.line(data)
    held = Identity(text)
    if (held.recipient, held.author) != (request.owner_recipient, request.owner_signing_key):
        raise AuthenticationFailed("the identity is not the vault's owner", "look at [owner] in vault.toml")
    work.keyring.hold(text)
    return Answer(IdentityMade(held.recipient, held.author))


def forget(_request: Forget, work: Work) -> Answer:
    """Hold nothing any more."""
    work.keyring.forget()
    return Answer(Forgotten())


def _passphrase(work: Work, number: int) -> str:
    data = work.read(number, _PASSPHRASE_BYTES, "the passphrase").removesuffix(b"\n")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise WrongPassphrase("the passphrase is not UTF-8 text") from None
    if not text:
        raise WrongPassphrase("the passphrase is empty", "type one, or name its file with --passphrase-file")
    return text


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)

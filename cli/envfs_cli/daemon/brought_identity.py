"""A command that brings the vault's identity in its environment, such as a job of CI with a vault in its checkout.

Laws: the identity comes from ENVFS_IDENTITY, or from the file that ENVFS_IDENTITY_FILE names, and no program that is
started inherits either. It goes to the daemon of this command in memory, and to no daemon that serves others.
"""

import os

from envfs.errors import NotApproved, WrongPassphrase
from envfs.protocol import control
from envfs_cli import secrets
from envfs_cli.daemon import environment_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Protocol

    class Asks(Protocol):
        """A connection to a daemon."""

        def ask(self, request: NamedTuple, descriptors: tuple[int, ...]) -> tuple[object, bytes]:
            """Send a request, and return the reply."""


_MOST_BYTES = 1 << 16  # a file of an identity has comments, and one line
_held: "list[bytes]" = []  # the one of this process, for each daemon that it starts


def bring_identity(link: "Asks") -> None:
    """Hand the identity to the daemon of this command.

    Raises:
        NotApproved: there is none where the environment says
        WrongPassphrase: it does not open the vault
    """
    if not _held:
        _held.append(_take())
    identity = secrets.from_bytes(_held[0])
    try:
        link.ask(control.BringIdentity(), (identity,))
    except WrongPassphrase as error:
        error.hint = "bring the identity itself, the line AGE-SECRET-KEY-1…, and no file under a passphrase"
        raise
    finally:
        os.close(identity)


def _take() -> bytes:
    text, path = environment_secret.take_secret("ENVFS_IDENTITY") or "", os.environ.pop("ENVFS_IDENTITY_FILE", "")
    data = f"{text.strip()}\n".encode()
    if not text and path:
        descriptor = secrets.from_file(path, "the identity", _MOST_BYTES)
        try:
            data = os.pread(descriptor, _MOST_BYTES, 0)
        finally:
            os.close(descriptor)
    if not data.strip():
        raise NotApproved("the identity is empty", "unset ENVFS_IDENTITY and ENVFS_IDENTITY_FILE, or put one there")
    return data

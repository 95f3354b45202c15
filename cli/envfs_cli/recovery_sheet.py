"""A recovery key and its sheet, which `recovery` and `init` print."""

import os

from envfs.core import limits
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli import secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session


def make_recovery_key(asking: "Session", recipient: str) -> "tuple[control.RecoveryMade, str]":
    """Ask for a recovery recipient. Return the reply, and the identity's line if one was made.

    Raises:
        EnvFSError: the daemon answers something else
    """
    handle = -1 if recipient else secrets.from_bytes(b"")
    try:
        reply = asking.reply(control.AddRecovery(recipient), () if recipient else (handle,))
        if not isinstance(reply, control.RecoveryMade):
            raise EnvFSError("the daemon answered something else")
        text = "" if recipient else os.pread(handle, limits.FRAME_BYTES, 0).decode()
    finally:
        if handle >= 0:
            os.close(handle)
    return reply, next((row for row in text.splitlines() if not row.startswith("#")), "")


def sheet_text(recipient: str, identity: str) -> str:
    """Return the text of a recovery sheet."""
    return f"""\
EnvFS RECOVERY SHEET

Keep this on paper, away from the machine. Whoever reads it can read the vault.

  recovery key
    {identity}
  recipient
    {recipient}

It opens every managed project of the vault, without EnvFS and without your
identity. It opens no zero-knowledge project: only its passphrase does.

1. Type the recovery key into a file on a machine that you trust: recovery.txt
2. Open a project's newest key file, and with it the newest record of a level,
   such as these:

   age -d -i recovery.txt vault/key/shop/@00000001.age > key.jwk
   jose jwe dec -i vault/level/shop/prod/@00000007.json -k key.jwk

3. docs/recovery.md has the whole way back to a working vault.
"""

"""New tokens: made here, so that the daemon is told no more of one than its digest.

Law: a token that ends with a command is handed to it in memory that a descriptor of the command holds, and nowhere
else. The environment names that by a path, which is gone with the process. So no copy of it has the token.
"""

import base64
import hashlib
import os

from envfs.errors import BadRequest, EnvFSError
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.process import shared_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session

_BYTES = 32
_PREFIX = "envfs_"


class TokenLimits(NamedTuple):
    """The limits of a token: its level, and as `GrantAccess` has them."""

    level: str
    seconds: int
    only: "tuple[str, ...]"
    max_reads: "int | None"
    can: "tuple[str, ...]"
    dialect: str = ""


class NewToken(NamedTuple):
    """A token that counts, and what the daemon says of its rule."""

    token: str
    reply: object


def make_token(asking: "Session", limits: TokenLimits, *, session: bool = False) -> NewToken:
    """Have the daemon accept a new token. With `session` it ends with this process, whatever program that becomes.

    Raises:
        BadRequest: no process at all could read by it
    """
    if limits.max_reads == 0:
        raise BadRequest("no process at all could read", "leave --max-reads out, or name a number from 1 on")
    token = _PREFIX + base64.urlsafe_b64encode(os.urandom(_BYTES)).decode().rstrip("=")
    request = control.GrantAccess(
        limits.level,
        seconds=limits.seconds,
        dialect=limits.dialect,
        only=limits.only,
        max_reads=limits.max_reads or 0,
        can=limits.can,
        token=hashlib.sha256(token.encode()).hexdigest(),
        session=session,
    )
    return NewToken(token, asking.reply(request))


def hand_over(token: str, variables: bytes) -> bytes:
    """Return the variables of a command with the one by which it, and what it starts, finds a token.

    Raises:
        EnvFSError: there is no descriptor to be had
    """
    try:
        path = shared_memory.share_bytes("envfs-token", token.encode())
    except OSError as error:
        raise EnvFSError(f"the token cannot be handed over: {error.strerror}") from None
    others = [entry for entry in variables.split(b"\0")[:-1] if not entry.startswith(b"ENVFS_TOKEN=")]
    return b"".join(entry + b"\0" for entry in (*others, b"ENVFS_TOKEN_FILE=" + path.encode()))

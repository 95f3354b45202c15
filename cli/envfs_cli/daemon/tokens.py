"""The token by which this process acts: from ENVFS_TOKEN, or from the file that ENVFS_TOKEN_FILE names.

Law: it is taken out of the environment, so no command that `exec` becomes and no other child inherits it.
"""

import os

from envfs.errors import NotApproved, from_code
from envfs.protocol import control, framing, wire
from envfs_cli import secrets
from envfs_cli.daemon import environment_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Send = Callable[[bytes, tuple[int, ...]], None]
    Messages = Callable[[], Iterator[tuple[object, bytes]]]

_MOST_BYTES = 256
_held: "list[bytes]" = []  # the one of this process, for each connection that it makes


def present_token(greeting: bytes, send: "Send", messages: "Messages") -> bytes:
    """Send the greeting, and the token behind it. Return what is left to be sent before a request: nothing.

    Raises:
        EnvFSError: there is no token where the environment says, or the daemon refuses it
    """
    if not _held:
        _held.append(_take())
    descriptor = secrets.from_bytes(_held[0])
    try:
        send(greeting + framing.encode_frame(wire.to_body(control.UseToken())), (descriptor,))
    finally:
        os.close(descriptor)
    for message, _ in messages():
        if isinstance(message, control.Failed):
            raise from_code(*message)
        if isinstance(message, control.Done):
            break
    return b""


def _take() -> bytes:
    token, path = environment_secret.take_secret("ENVFS_TOKEN"), os.environ.pop("ENVFS_TOKEN_FILE", None)
    if token is None and path:
        descriptor = secrets.from_file(path, "the token", _MOST_BYTES)
        try:
            token = os.pread(descriptor, _MOST_BYTES, 0).decode("ascii", "replace")
        finally:
            os.close(descriptor)
    if not token or not token.strip():
        raise NotApproved("the token is empty", "unset ENVFS_TOKEN and ENVFS_TOKEN_FILE, or put one there")
    return token.strip().encode(errors="replace")

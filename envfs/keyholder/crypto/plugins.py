"""A process of its own: it seals one file to recipients that need plugins of age, and ends.

The keyholder may start no program, and a plugin is one. So the daemon starts this process beside it, and hands one end
of a socket pair to each: what is sealed goes from the keyholder to here, and the daemon sees ciphertext alone.
"""

import socket
import sys

import pyrage

from envfs.core import limits
from envfs.core.recipients import plugin_of
from envfs.core.visible_text import visible_text
from envfs.dotenv.placeholders.redaction import redact_credentials
from envfs.errors import BadRequest, EnvFSError, KeyholderGone
from envfs.host.process import hardening
from envfs.keyholder.crypto import age
from envfs.protocol import framing

_BYTES = 1 << 20


class _Silent:
    """Questions of a plugin to a person: no person is there, and its output goes to the daemon's log."""

    def display_message(self, message: str) -> None:
        """Say that a key is to be touched."""
        sys.stderr.write(f"a plugin of age says: {visible_text(redact_credentials(message))}\n")

    def confirm(self, _message: str, _yes: str, _no: str | None) -> bool | None:
        """Confirm nothing."""
        return None

    def request_public_string(self, _description: str) -> str | None:
        """Know nothing."""
        return None

    def request_passphrase(self, _description: str) -> str | None:
        """Know nothing."""
        return None


def main() -> int:
    """Seal what comes, once."""
    hardening.harden()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        body, blobs = _receive(connection)
        try:
            sealed = _seal(blobs[0], tuple(str(recipient) for recipient in body["recipients"]))  # type: ignore[attr-defined]
            connection.sendall(framing.encode_frame({"type": "sealed"}, (sealed,)) + sealed)
        except EnvFSError as error:
            connection.sendall(framing.encode_frame({"type": "refused", "text": error.text, "hint": error.hint}))
    return 0


def seal_by_plugin(descriptor: int, data: bytes, recipients: tuple[str, ...]) -> bytes:
    """Have the process behind a descriptor seal `data`.

    Raises:
        BadRequest: a plugin is not there, or does not take a recipient
        KeyholderGone: the process ended
    """
    with socket.socket(fileno=descriptor) as connection:
        connection.sendall(
            framing.encode_frame({"type": "seal", "recipients": list(recipients)}, (data,), _BYTES) + data
        )
        body, blobs = _receive(connection)
    if not blobs:
        raise BadRequest(str(body.get("text", "")), str(body.get("hint", "")))
    return blobs[0]


def _seal(data: bytes, recipients: tuple[str, ...]) -> bytes:
    plugins: dict[str, list[pyrage.plugin.Recipient]] = {}
    native = []
    for text in recipients:
        name = plugin_of(text)
        if name:
            plugins.setdefault(name, []).append(_recipient(text))
        else:
            native.append(age.parse_recipient(text))
    try:
        plugin_recipients = [
            pyrage.plugin.RecipientPluginV1(name, theirs, [], _Silent()) for name, theirs in plugins.items()
        ]
        return pyrage.encrypt(data, [*native, *plugin_recipients])
    except pyrage.EncryptError:
        names = ", ".join(f"age-plugin-{name}" for name in plugins)
        raise BadRequest("a plugin of age did not seal the key", f"is it installed and ready? {names}") from None


def _recipient(text: str) -> pyrage.plugin.Recipient:
    try:
        return pyrage.plugin.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise BadRequest("not a recipient of a plugin of age") from None


def _receive(connection: socket.socket) -> tuple[framing.Body, tuple[bytes, ...]]:
    def receive(size: int) -> bytes:
        data = connection.recv(size, socket.MSG_WAITALL)
        if len(data) < size:
            raise KeyholderGone("the process that seals with plugins ended", "the daemon's log may say why")
        return data

    return framing.read_frame(receive, limits.BLOB_BYTES, _BYTES)


if __name__ == "__main__":
    sys.exit(main())

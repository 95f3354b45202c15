"""A join secret: all by which a machine takes part in a shared vault, in one line without blanks.

It has the machine's identity, the public facts of the vault, the address of the engine, and the files that this address
needs, such as a key of ssh. Pure.

Laws: no message shows a part of one. One that was cut off is noticed. It is all that makes somebody the machine.
"""

import base64
import binascii
import json
import zlib

from envfs.errors import BadRequest, TooLarge
from envfs.tuples import NamedTuple

PREFIX = "envfs-join-1-"
MOST_LETTERS = 1 << 16
_MOST_BYTES, _CHECK_BYTES = 1 << 18, 4
FILES = ("ca", "cert", "config", "identity", "key", "known_hosts", "passfile")  # options of addresses that name one


class JoinSecret(NamedTuple):
    """The parts. `seq` and `digest` are an entry of the list of members, `files` are by the options of the address."""

    identity: str
    engine: str
    vault: str
    created: str
    recipient: str
    signing_key: str
    seq: int
    digest: str
    files: "dict[str, str]"

    def __repr__(self) -> str:
        """Show nothing."""
        return "JoinSecret()"


def render_join_secret(secret: JoinSecret) -> str:
    """Return the line.

    Raises:
        TooLarge: the files are
    """
    data = zlib.compress(json.dumps(secret._asdict(), separators=(",", ":")).encode(), 9)
    check = zlib.crc32(data).to_bytes(_CHECK_BYTES, "big")
    text = PREFIX + base64.urlsafe_b64encode(check + data).decode().rstrip("=")
    if len(text) > MOST_LETTERS:
        raise TooLarge("the files that the engine's address names are too large for a join secret")
    return text


def parse_join_secret(text: str) -> JoinSecret:
    """Read a line.

    Raises:
        BadRequest: it is none, or not whole
    """
    line = text.strip()
    if not line.startswith(PREFIX):
        raise BadRequest(
            "that is no join secret", f"it begins with {PREFIX} and is what `envfs member invite --machine` prints"
        )
    body = _body(line.removeprefix(PREFIX))
    kinds = {"seq": int, "files": dict}
    if not isinstance(body, dict) or body.keys() != {*JoinSecret._fields}:
        raise _broken()
    if not all(type(body[name]) is kinds.get(name, str) for name in JoinSecret._fields):
        raise _broken()
    files = body["files"]
    if not all(name in FILES and isinstance(content, str) for name, content in files.items()):
        raise _broken()
    return JoinSecret(**body)


def _body(letters: str) -> object:
    try:
        data = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
        check, packed = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
        if zlib.crc32(packed).to_bytes(_CHECK_BYTES, "big") != check:
            raise _broken()
        return json.loads(zlib.decompressobj().decompress(packed, _MOST_BYTES))
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise _broken() from None


def _broken() -> BadRequest:
    return BadRequest("the join secret is not whole", "copy it again, in one piece")

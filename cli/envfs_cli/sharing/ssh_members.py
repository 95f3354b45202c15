"""The line of authorized_keys by which a member's key of ssh serves a shared folder, and nothing else (sshd(8)).

Laws: a private key is refused, and no part of it is shown. The line has no sign that could end an option or begin
another one.
"""

import re
import shlex

from envfs.errors import BadRequest

_KINDS = re.compile(r"(?:sk-)?(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))(?:@openssh\.com)?", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,3000}={0,2}", re.ASCII)
_COMMENT = re.compile(r"[^A-Za-z0-9@._+-]+", re.ASCII)
_PATH = re.compile(r"/[^\"\\\x00-\x1f\x7f]*")


def authorized_line(text: str, folder: str, program: str, *, append_only: bool) -> str:
    """Return the line for the public key in a text, with a folder as a path from / on.

    Raises:
        BadRequest: the text is no public key of ssh, or the folder's path does not go into a line
    """
    if not _PATH.fullmatch(folder) or not _PATH.fullmatch(program):
        raise BadRequest("the folder's path has a quote, a backslash or a control character in it")
    kind, key, comment = _parse_key(text)
    words = [program, "store-serve", *(["--append-only"] if append_only else []), folder]
    options = f'command="{shlex.join(words)}",restrict'
    return " ".join(filter(None, (options, kind, key, comment)))


def _parse_key(text: str) -> tuple[str, str, str]:
    if "PRIVATE KEY" in text:
        raise BadRequest("this is a private key", "give the file of its public key, which ends with .pub")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    parts = lines[0].split(maxsplit=2) if len(lines) == 1 else []
    if len(parts) < 2 or not _KINDS.fullmatch(parts[0]) or not _BASE64.fullmatch(parts[1]):  # noqa: PLR2004
        raise BadRequest("not a public key of ssh, in one line", "a member has one in ~/.ssh/id_ed25519.pub")
    comment = _COMMENT.sub("-", parts[2]).strip("-")[:64] if len(parts) > 2 else ""  # noqa: PLR2004
    return parts[0], parts[1], comment

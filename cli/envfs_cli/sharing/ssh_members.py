"""The line of authorized_keys by which a member's key of ssh serves a shared folder, and nothing else (sshd(8)).

Laws: a private key is refused, and no part of it is shown. The line has no sign that could end an option or begin
another one. A key that has a line already keeps that one.
"""

import os
import re
import shlex
import sys

from envfs import safe_open
from envfs.errors import AlreadyExists, BadRequest, EnvFSError

_KINDS = re.compile(r"(?:sk-)?(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))(?:@openssh\.com)?", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,3000}={0,2}", re.ASCII)
_COMMENT = re.compile(r"[^A-Za-z0-9@._+-]+", re.ASCII)
_KEY_BYTES, _FILE_BYTES = 16 * 1024, 16 * 1024 * 1024
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


def read_key(path: str) -> str:
    """Return the text of a public key's file, or of standard input for `-`.

    Raises:
        EnvFSError: it cannot be read
    """
    if path == "-":
        return sys.stdin.read(_KEY_BYTES)
    try:
        return safe_open.read_file(path, _KEY_BYTES, follow=True).decode("utf-8", "replace")
    except OSError as error:
        raise EnvFSError(f"cannot read the public key: {safe_open.error_words(error)}") from None


def append_line(line: str) -> bool:
    """Put a line into this user's ~/.ssh/authorized_keys. False: it is there already.

    Raises:
        AlreadyExists: the key has another line
        EnvFSError: the file cannot be written
    """
    folder = os.path.expanduser("~/.ssh")
    path = os.path.join(folder, "authorized_keys")
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        handle = safe_open.open_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, follow=True)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            text = file.read(_FILE_BYTES).decode("utf-8", "replace")
            if line in text.splitlines():
                return False
            _check_new(line, text, path)
            file.write(f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n".encode())
            os.fsync(handle)
    except OSError as error:
        raise EnvFSError(f"cannot write {path}: {safe_open.error_words(error)}") from None
    return True


def _check_new(line: str, text: str, path: str) -> None:
    key = next(word for word in line.split() if _is_key(word))
    if any(key in other.split() for other in text.splitlines()):
        raise AlreadyExists("that key has another line", f"change or remove it in {path} on the server")


def _is_key(word: str) -> bool:
    return word.startswith("AAAA") and _BASE64.fullmatch(word) is not None


def _parse_key(text: str) -> tuple[str, str, str]:
    if "PRIVATE KEY" in text:
        raise BadRequest("this is a private key", "give the file of its public key, which ends with .pub")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    parts = lines[0].split(maxsplit=2) if len(lines) == 1 else []
    if len(parts) < 2 or not _KINDS.fullmatch(parts[0]) or not _BASE64.fullmatch(parts[1]):  # noqa: PLR2004
        raise BadRequest("not a public key of ssh, in one line", "a member has one in ~/.ssh/id_ed25519.pub")
    comment = _COMMENT.sub("-", parts[2]).strip("-")[:64] if len(parts) > 2 else ""  # noqa: PLR2004
    return parts[0], parts[1], comment

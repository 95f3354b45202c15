"""age, as the vault uses it: files to recipients, files to a passphrase. The one module that asks pyrage to seal."""

import base64
import contextlib
import re
from collections.abc import Callable

import pyrage

from envfs.core import limits
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, BadRequest, TimedOut, TooLarge, WrongPassphrase
from envfs.host import room

Recipient = pyrage.x25519.Recipient | pyrage.ssh.Recipient | pyrage.tag.Recipient | pyrage.tagpq.Recipient

_ARMOR = b"-----BEGIN AGE"
_SCRYPT = re.compile(rb"age-encryption\.org/v1\n-> scrypt \S+ (\d{1,4})\n")
_MOST_WORK = 21
_BLOCK = (
    1024  # bytes of memory, for each of the 2^work steps (RFC 7914, section 2: 128 times 8, which age always takes)
)
_KINDS: tuple[tuple[str, Callable[[str], Recipient]], ...] = (
    ("ssh-", pyrage.ssh.Recipient.from_str),
    ("age1tagpq1", pyrage.tagpq.Recipient.from_str),
    ("age1tag1", pyrage.tag.Recipient.from_str),
    ("age1", pyrage.x25519.Recipient.from_str),
)
_WRONG = "Decryption failed"  # pyrage's words for a wrong passphrase, and for nothing else
_TOO_MUCH_WORK = "Excessive work"  # age measures the machine for some milliseconds, and a busy one looks slow
_TRIES = 8
_HINT = "a recipient is age1…, or the public line of an SSH key: ssh-ed25519 … or ssh-rsa …"


def seal_to_recipients(data: bytes, recipients: tuple[str, ...]) -> bytes:
    """Encrypt to recipients, any one of whom can open it.

    Raises:
        BadRequest: one of them is no recipient
        TooLarge: there are too many
    """
    if not 0 < len(recipients) <= limits.RECIPIENTS:
        raise TooLarge(
            f"a key is sealed to {len(recipients)} recipients", f"at most {limits.RECIPIENTS}, and at least 1"
        )
    return pyrage.encrypt(data, [parse_recipient(text) for text in recipients])


def seal_under(data: bytes, passphrase: Secret[str], *, armored: bool = False) -> bytes:
    """Encrypt to a passphrase and to nobody else. Takes a second or two by design."""
    return pyrage.passphrase.encrypt(data, passphrase.reveal(), armored=armored)


def open_under(data: bytes, passphrase: Secret[str]) -> bytes:
    """Decrypt a file that is under a passphrase.

    Raises:
        WrongPassphrase: it does not open
        AuthenticationFailed: whatever the passphrase is, this is no whole file under one
        MountFailed: this process may not have the memory that it takes
        TimedOut: the machine is far slower than the one that wrote it, or too busy
    """
    work = _work_factor(data)
    if work > _MOST_WORK:
        raise AuthenticationFailed(
            "the file that the passphrase opens asks for too much memory", "EnvFS never wrote it; restore a backup"
        )
    room.check_memory(_BLOCK << work, "the passphrase")
    for _ in range(_TRIES):
        try:
            return pyrage.passphrase.decrypt(data, passphrase.reveal())
        except pyrage.DecryptError as error:
            if str(error) == _WRONG:
                raise WrongPassphrase("the passphrase is wrong", "nothing was changed; try again") from None
            if not str(error).startswith(_TOO_MUCH_WORK):
                raise AuthenticationFailed(
                    "the file that the passphrase opens is damaged",
                    "it says nothing about the passphrase; restore a backup",
                ) from None
    raise TimedOut(
        "this machine is too slow, or too busy now, to open the file under the passphrase", "try again later"
    )


def _work_factor(data: bytes) -> int:
    # of scrypt, as the open header says: each step doubles the memory, 2^20 needs a gigabyte
    if data.lstrip().startswith(_ARMOR):
        with contextlib.suppress(ValueError):  # pyrage says what is wrong with it
            data = base64.b64decode(b"".join(data.strip().splitlines()[1:3]) + b"==")
    match = _SCRYPT.match(data)
    return int(match[1]) if match else 0


def parse_recipient(text: str) -> Recipient:
    """Read a recipient that needs no plugin.

    Raises:
        BadRequest: it is none
        TooLarge: it is over its limit
    """
    if len(text) > limits.RECIPIENT_BYTES:
        raise TooLarge("a recipient is too long", f"at most {limits.RECIPIENT_BYTES} bytes")
    for start, read in _KINDS:  # the order counts: age1 starts them all
        if text.startswith(start):
            try:
                return read(text)
            except pyrage.RecipientError:
                break
    raise BadRequest("not a recipient that EnvFS can seal to", _HINT)

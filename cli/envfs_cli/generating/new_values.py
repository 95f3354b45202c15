"""A new value of a kind: what `envfs generate` prints and `envfs rotate` writes, and how hard it is to guess.

Laws: each choice is one of equally likely ones. The number of bits is that of the choices, and nothing of the value.
"""

import math
import secrets

from envfs.errors import EnvFSError
from envfs_cli.arguments import Mistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from envfs.tuples import NamedTuple

_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
ALPHABETS = {
    "alnum": _LOWER + _UPPER + _DIGITS,
    "readable": "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789",  # without 0 O o 1 l I i
    "lower": _LOWER,
    "digits": _DIGITS,
    "url": f"{_LOWER}{_UPPER}{_DIGITS}-_",
    "symbols": f"{_LOWER}{_UPPER}{_DIGITS}!#%&()*+,-./:;<=>?@[]^_{{|}}~",  # no quote, backslash, dollar or blank
}
KEYS = ("ssh", "age", "ed25519", "x25519", "rsa")
KINDS = ("password", "words", "uuid", "hex", "base64", *KEYS)
WEAK_BITS = 64
_UUID_BITS, _KEY_BITS = 122, 128  # of the curves, and of RSA with 3,072 bits: as strong as that
_RSA_STRENGTH = {2048: 112, 3072: 128, 4096: 152}  # NIST SP 800-57 part 1 §5.6.1, and between its rows
_DEFAULTS = {"password": 32, "words": 8, "hex": 32, "base64": 32, "rsa": 3072}
_MOST = {"password": 4096, "words": 128, "hex": 4096, "base64": 4096}


class ValueKind(NamedTuple):
    """A kind of value. `length` counts characters, words, bytes or bits of a key. 0: as many as are usual."""

    kind: str = "password"
    length: int = 0
    alphabet: str = ""


class NewValue(NamedTuple):
    """A value, the bits that somebody has to guess, and of a key pair the public half."""

    value: bytes
    bits: float
    public: bytes = b""

    def __repr__(self) -> str:
        """Show nothing of the value."""
        return f"NewValue({len(self.value)} bytes)"


def check_kind(kind: ValueKind) -> ValueKind:
    """Return a kind with its length and its characters.

    Raises:
        Mistake: they do not go together, or are out of bounds
    """
    if kind.kind not in KINDS:
        raise Mistake("there is no such kind of value", f"there are {', '.join(KINDS)}")
    if kind.alphabet and kind.kind != "password":
        raise Mistake("--alphabet is for a text of characters alone")
    if kind.kind not in _DEFAULTS:
        if kind.length:
            raise Mistake(f"a value of the kind {kind.kind} has one length")
        return kind
    length = kind.length or _DEFAULTS[kind.kind]
    if kind.kind == "rsa" and length not in _RSA_STRENGTH:
        raise Mistake("an RSA key has 2048, 3072 or 4096 bits")
    if kind.kind != "rsa" and length > _MOST[kind.kind]:
        raise Mistake("that is too long", f"at most {_MOST[kind.kind]}")
    return ValueKind(kind.kind, length, _characters(kind.alphabet) if kind.kind == "password" else "")


def make_value(kind: ValueKind) -> NewValue:
    """Make a value of a kind that `check_kind` returned.

    Raises:
        EnvFSError: the process that makes keys failed
    """
    return _MAKERS.get(kind.kind, _key_pair)(kind)


def _password(kind: ValueKind) -> NewValue:
    text = "".join(secrets.choice(kind.alphabet) for _ in range(kind.length))
    return NewValue(text.encode(), kind.length * math.log2(len(kind.alphabet)))


def _words(kind: ValueKind) -> NewValue:
    from envfs_cli.generating.word_list import passphrase_words

    words = passphrase_words()
    text = "-".join(secrets.choice(words) for _ in range(kind.length))
    return NewValue(text.encode(), kind.length * math.log2(len(words)))


def _uuid(_kind: ValueKind) -> NewValue:
    import uuid

    return NewValue(str(uuid.uuid4()).encode(), _UUID_BITS)


def _hex(kind: ValueKind) -> NewValue:
    return NewValue(secrets.token_hex(kind.length).encode(), kind.length * 8)


def _base64(kind: ValueKind) -> NewValue:
    import base64

    return NewValue(base64.b64encode(secrets.token_bytes(kind.length)), kind.length * 8)


_MAKERS = {"password": _password, "words": _words, "uuid": _uuid, "hex": _hex, "base64": _base64}


def bits_words(value: NewValue) -> str:
    """Say how hard a value is to guess."""
    return f"{int(value.bits)} bits of entropy"


def read_kind(text: str) -> ValueKind:
    """Read what `# @rotate-as` says: a kind, and behind it a length.

    Raises:
        Mistake: it is none
    """
    kind, _, length = text.partition(" ")
    if length and not (length.strip().isascii() and length.strip().isdigit()):
        raise Mistake("@rotate-as takes a kind and a length", "such as `# @rotate-as words 6`")
    return ValueKind(kind, int(length or 0))


def _characters(alphabet: str) -> str:
    characters = ALPHABETS.get(alphabet or "alnum", alphabet)
    if len({*characters}) < len(characters):
        raise Mistake("a character stands twice in --alphabet", f"or name one of {', '.join(ALPHABETS)}")
    if not characters.isprintable() or len(characters) < 2:  # noqa: PLR2004 - one is no choice
        raise Mistake("--alphabet takes two printable characters at least", f"or one of {', '.join(ALPHABETS)}")
    return characters


def _key_pair(kind: ValueKind) -> NewValue:
    # by a process of its own: this one has no library for it
    import subprocess
    import sys

    words = [sys.executable, "-I", "-m", "envfs.keyholder.crypto.key_pairs", kind.kind, str(kind.length)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    public, separator, private = done.stdout.partition(b"\0")
    if done.returncode or not separator:
        raise EnvFSError("the key could not be made", "`envfs doctor` looks at what EnvFS needs")
    return NewValue(private, _RSA_STRENGTH.get(kind.length, _KEY_BITS), public)

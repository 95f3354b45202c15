"""The identity: an age X25519 identity, and the Ed25519 signing key derived from it (docs/format.md §3).

The passphrase form is an ordinary age file: `age -d identity.age` gives the identity that `age -d -i` takes.
"""

import contextlib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import cached_property

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envfs.core.keyfile import NOT_FOR_US
from envfs.core.record import from_base64, to_base64
from envfs.core.secret import Secret
from envfs.errors import AuthenticationFailed, EnvFSError
from envfs.keyholder.crypto import age
from envfs.keyholder.crypto.checked_signatures import CheckedSignatures

_PREFIX = "AGE-SECRET-KEY-1"
_MOST_LINES = 8  # an identity, and those before it
_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
_BINARY = b"age-encryption.org/v1\n"


class Verifier:
    """The public half of an identity, or of the founder of a vault: checks signatures, and opens and signs nothing."""

    _checked: CheckedSignatures | None = None

    def __init__(self, founder: str, checked: CheckedSignatures | None = None) -> None:
        """Take the public signing key of who began a vault, and a memory of signatures."""
        self._author = self._founder = founder
        self._checked = checked

    @property
    def author(self) -> str:
        """The public signing key, in base64url."""
        return self._author

    @property
    def founder(self) -> str:
        """The public signing key of whom the vault's list of members begins with, and of its owner if it has none."""
        return self._founder or self.author

    def verify(self, author: str, data: bytes, signature: bytes, authors: AbstractSet[str] = frozenset()) -> None:
        """Check a signature by one of `authors` (Ed25519 public keys in base64url). None means this identity alone.

        Raises:
            AuthenticationFailed: by somebody else, or wrong
        """
        if author not in (authors or {self.author}):
            who = "an author of the vault" if len(authors) > 1 else "the vault's owner"
            raise AuthenticationFailed(f"a record is signed by somebody else than {who}")
        if self._checked is not None and self._checked.has(author, data, signature):
            return
        try:
            Ed25519PublicKey.from_public_bytes(from_base64(author)).verify(signature, data)
        except (InvalidSignature, ValueError):  # no key has 31 bytes
            raise AuthenticationFailed("a record's signature is wrong") from None
        if self._checked is not None:
            self._checked.add(author, data, signature)


class Identity(Verifier):
    """A held identity: opens what is sealed to `recipient`, signs as `author`. Its keys are derived at first use.

    The lines behind the first one are its former keys: they open what was sealed to them, and sign nothing.
    """

    def __init__(
        self, text: Secret[str], author: str = "", checked: CheckedSignatures | None = None, founder: str = ""
    ) -> None:
        """Take `AGE-SECRET-KEY-1…` lines, the author if that was derived before, and a memory of signatures.

        `founder` is who began the vault, if that is somebody else.

        Raises:
            EnvFSError: it is not one
        """
        own, *former = lines_of(text)
        try:
            self._age = pyrage.x25519.Identity.from_str(own.reveal())
            self._former = [pyrage.x25519.Identity.from_str(line.reveal()) for line in former]
        except pyrage.IdentityError:
            raise EnvFSError("the identity is not an age X25519 identity", f"it starts with {_PREFIX}") from None
        super().__init__(founder, checked)
        self._text, self._former_texts = own, former
        self._author = author

    @cached_property
    def recipient(self) -> str:
        """The age recipient."""
        return str(self._age.to_public())

    @property
    def author(self) -> str:
        """The public signing key, in base64url."""
        if not self._author:
            self._author = to_base64(self._signing.public_key().public_bytes_raw())
        return self._author

    @cached_property
    def _signing(self) -> Ed25519PrivateKey:
        return _signing_key(self._text)

    @cached_property
    def authors(self) -> frozenset[str]:
        """The public signing keys that this identity has, and had."""
        former = (_signing_key(text).public_key().public_bytes_raw() for text in self._former_texts)
        return frozenset({self.author, *map(to_base64, former)})

    def open(self, data: bytes) -> bytes:
        """Decrypt an age file.

        Raises:
            AuthenticationFailed: it is damaged, or not sealed to this identity
        """
        try:
            return pyrage.decrypt(data, [self._age, *self._former])
        except pyrage.DecryptError:
            raise AuthenticationFailed(NOT_FOR_US) from None

    def sign(self, data: bytes) -> bytes:
        """Sign (Ed25519, RFC 8032)."""
        signature = self._signing.sign(data)
        if self._checked is not None:
            self._checked.add(self.author, data, signature)
        return signature


def _signing_key(text: Secret[str]) -> Ed25519PrivateKey:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"envfs/1/signing-key")
    return Ed25519PrivateKey.from_private_bytes(derived.derive(text.reveal().encode()))


def lines_of(text: Secret[str]) -> list[Secret[str]]:
    """Return each identity of a text alone."""
    return [Secret(line) for line in text.reveal().split("\n")]


def joined(lines: Iterable[Secret[str]]) -> Secret[str]:
    """Return the text of identities, the one that counts first. Of too many, the oldest are left out."""
    return Secret("\n".join([line.reveal() for line in lines][:_MOST_LINES]))


def new_identity() -> Secret[str]:
    """Make a new identity and return its line."""
    return Secret(str(pyrage.x25519.Identity.generate()))


def wrap_identity(text: Secret[str], passphrase: Secret[str]) -> bytes:
    """Encrypt an identity to a passphrase, as an armoured age file. Takes a second or two by design."""
    return age.seal_under(f"{text.reveal()}\n".encode(), passphrase, armored=True)


def is_encrypted(data: bytes) -> bool:
    """Tell an age file from a plain identity."""
    return data.lstrip().startswith((_ARMOR, _BINARY))


def unwrap_identity(data: bytes, passphrase: Secret[str]) -> Secret[str]:
    """Decrypt a passphrase file and return the identity's line.

    Raises:
        WrongPassphrase: it does not open
    """
    return identity_line(age.open_under(data, passphrase))


def identity_line(data: bytes) -> Secret[str]:
    """Find the identity in the text of an identity file, where # starts a comment, and the former ones behind it.

    Raises:
        EnvFSError: there is none, or there are too many
    """
    lines = []
    with contextlib.suppress(UnicodeDecodeError):
        lines = [row.strip() for row in data.decode("ascii").splitlines() if row.strip().startswith(_PREFIX)]
    if not 0 < len(lines) <= _MOST_LINES:
        raise EnvFSError("the identity file does not hold one age identity", "it has one line AGE-SECRET-KEY-1…")
    return Secret("\n".join(lines))

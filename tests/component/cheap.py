"""Files under a passphrase that cost a test milliseconds: as age makes them (C2SP age.md), but for the work factor."""

import hashlib
import hmac
import os
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envfs.core.addresses import RecordAddress
from envfs.core.keyfile import Keys
from envfs.core.secret import Secret
from envfs.keyholder.crypto import identity as identities
from envfs.keyholder.crypto import sealing
from envfs.keyholder.crypto.identity import Identity

TIME = "2026-11-21T08:09:10.123456Z"


def age_file(plaintext: bytes, passphrase: str) -> bytes:
    """Encrypt to a passphrase."""
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)

    def encoded(data: bytes) -> bytes:
        return b64encode(data).rstrip(b"=")

    def derived(salt: bytes, info: bytes) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(file_key)

    wrap = hashlib.scrypt(
        passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + salt, n=1 << 10, r=8, p=1, dklen=32
    )
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    header = b"age-encryption.org/v1\n-> scrypt " + encoded(salt) + b" 10\n" + encoded(body) + b"\n---"
    mac = hmac.new(derived(b"", b"header"), header, hashlib.sha256).digest()
    payload = ChaCha20Poly1305(derived(nonce, b"payload")).encrypt(bytes(11) + b"\1", plaintext, None)
    return header + b" " + encoded(mac) + b"\n" + nonce + payload


def key_file(identity: Identity, place: RecordAddress, passphrase: str, keys: tuple[Secret[bytes], ...] = ()) -> bytes:
    """Return the key file that the owner puts there for a zero-knowledge project; one new key if none are given."""
    plain = sealing.sign_keys(identity, place, TIME, Keys(keys or (Secret(os.urandom(32)),), ()))
    return age_file(plain, passphrase)


def identity_in(file: Path) -> Identity:
    """Return the identity of a plain identity file."""
    return Identity(identities.identity_line(file.read_bytes()))

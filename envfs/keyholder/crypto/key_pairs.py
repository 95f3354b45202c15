"""`python -m envfs.keyholder.crypto.key_pairs KIND BITS`: makes one key pair, prints it, and ends.

The public half comes first, and a NUL stands between the two. For `envfs generate`, whose own process has no library
for keys, as a client starts without one. Nothing is kept here.

Sources: https://age-encryption.org/v1 for age, RFC 8410 and RFC 5958 (PKCS #8) for the PEM of curves, RFC 8017 for RSA,
OpenSSH's PROTOCOL.key for ssh.
"""

import sys

import pyrage
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa, x25519

from envfs.host.process import hardening

_EXPONENT = 65_537
_PEM, _PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
_PLAIN = serialization.NoEncryption()


def main() -> int:
    """Print a pair."""
    hardening.harden()
    public, private = make_key_pair(sys.argv[1], int(sys.argv[2]))
    sys.stdout.buffer.write(public + b"\0" + private)
    return 0


def make_key_pair(kind: str, bits: int) -> tuple[bytes, bytes]:
    """Return a public and a private key, as the programs of that kind write them.

    Raises:
        KeyError: there is no such kind
    """
    return _MAKERS[kind](bits)


def _age(_bits: int) -> tuple[bytes, bytes]:
    identity = pyrage.x25519.Identity.generate()
    return str(identity.to_public()).encode(), str(identity).encode()


def _ssh(_bits: int) -> tuple[bytes, bytes]:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public, key.private_bytes(_PEM, serialization.PrivateFormat.OpenSSH, _PLAIN)


def _ed25519(_bits: int) -> tuple[bytes, bytes]:
    return _pem(ed25519.Ed25519PrivateKey.generate())


def _x25519(_bits: int) -> tuple[bytes, bytes]:
    return _pem(x25519.X25519PrivateKey.generate())


def _rsa(bits: int) -> tuple[bytes, bytes]:
    return _pem(rsa.generate_private_key(_EXPONENT, bits))


def _pem(key: ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey | rsa.RSAPrivateKey) -> tuple[bytes, bytes]:
    public = key.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return public, key.private_bytes(_PEM, _PKCS8, _PLAIN)


_MAKERS = {"age": _age, "ssh": _ssh, "ed25519": _ed25519, "x25519": _x25519, "rsa": _rsa}


if __name__ == "__main__":
    sys.exit(main())

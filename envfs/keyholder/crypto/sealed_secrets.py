"""Values sealed for the controller of sealed-secrets in a cluster of Kubernetes, by its public key.

Source: https://github.com/bitnami-labs/sealed-secrets, docs/developer/crypto.md: a fresh key of AES-256-GCM for each
value (so its nonce is all zeros), and that key by RSA-OAEP (RFC 8017 §7.1, SHA-256) with the label.
"""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envfs.errors import BadRequest

_KEY_BITS, _NONCE, _LEAST_RSA_BITS = 256, bytes(12), 2048
_SIZE_BYTES = 2


def read_public_key(data: bytes) -> rsa.RSAPublicKey:
    """Read a public key (RFC 5280, SubjectPublicKeyInfo in DER).

    Raises:
        BadRequest: it is none of RSA, or a short one
    """
    try:
        key = serialization.load_der_public_key(data)
    except Exception:  # noqa: BLE001 - whatever the library cannot read is no key
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadRequest("the certificate has no key of RSA", "`kubeseal --fetch-cert` prints the controller's")
    if key.key_size < _LEAST_RSA_BITS:
        raise BadRequest(f"the certificate's key has {key.key_size} bits: at least {_LEAST_RSA_BITS} are needed")
    return key


def seal_value(key: rsa.RSAPublicKey, value: bytes, label: bytes) -> bytes:
    """Seal one value."""
    secret = AESGCM.generate_key(_KEY_BITS)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label)
    wrapped = key.encrypt(secret, oaep)
    return len(wrapped).to_bytes(_SIZE_BYTES, "big") + wrapped + AESGCM(secret).encrypt(_NONCE, value, None)

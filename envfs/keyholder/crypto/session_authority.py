"""The key of a proxy session's authority, from the identity and the session's name.

Law: nothing new is held for it. Of two sessions neither key tells the other one, nor the identity.
"""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envfs.core.secret import Secret

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)
_SEED_BYTES: Final = 40  # 64 bits more than the order has (FIPS 186-5 A.2.1)


def authority_key(identity: Secret[str], session: str) -> ec.EllipticCurvePrivateKey:
    """Return the key of the authority of a session. It is the same each time."""
    info = f"envfs/1/proxy-authority/{session}".encode()
    derived = HKDF(algorithm=hashes.SHA256(), length=_SEED_BYTES, salt=None, info=info)
    seed = derived.derive(identity.reveal().encode())
    return ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())

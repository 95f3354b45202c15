"""Seeds of placeholders, from the keys of the texts that a value is made of (docs/format.md, "Masked views").

Laws: the same key, level, name, value and random texts give the same seed. Only a process that can open each of the
texts can work out a seed, so the placeholder of a short value confirms no guess at it.
"""

import hmac
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envfs.core.secret import Secret

_BYTES = 32


def placeholder_key(keys: Iterable[Secret[bytes]]) -> Secret[bytes]:
    """Return the key for placeholders of values that are made of texts under these keys, the top level's first."""
    material = b"".join(dict.fromkeys(key.reveal() for key in keys))
    derived = HKDF(algorithm=hashes.SHA256(), length=_BYTES, salt=None, info=b"envfs/1/placeholders")
    return Secret(derived.derive(material))


def placeholder_seed(key: Secret[bytes], level: str, name: str, value: str, added: Sequence[str] = ()) -> bytes:
    """Return the seed for the value of a variable that a level sets (HMAC-SHA-256, RFC 2104).

    `added` are the random texts that the records of its texts have for that, the top level's first.
    """
    text = "\0".join((level, name, value, *(added if any(added) else ()))).encode(errors="surrogatepass")
    return hmac.digest(key.reveal(), text, "sha256")

"""Text that looks random, from a seed: the same seed always gives the same text.

Laws: each sign is as likely as any other of its alphabet. Without the seed, the text cannot be
told from a random one.
"""

import hashlib
import math
from functools import cache
from typing import Final

DIGITS: Final = "0123456789"
HEX: Final = "0123456789abcdef"
UPPER_HEX: Final = "0123456789ABCDEF"
LOWER: Final = "abcdefghijklmnopqrstuvwxyz" + DIGITS
UPPER: Final = LOWER.upper()
BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648 §6
BECH32: Final = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"  # BIP 173, as age writes it
BASE62: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + LOWER
BASE64: Final = BASE62 + "+/"  # RFC 4648 §4
URL64: Final = BASE62 + "-_"  # RFC 4648 §5
USERINFO: Final = BASE62 + "-._~!+,="  # of RFC 3986 §3.2.1 those that no quoting of dotenv text minds

BITS: Final = 128  # that a placeholder has at least


class SeededText:
    """The text of one seed, piece after piece."""

    def __init__(self, seed: bytes) -> None:
        """Begin with the first piece."""
        self._seed = seed
        self._pieces = 0

    def draw_bytes(self, count: int) -> bytes:
        """Return the next `count` bytes (SHAKE-256, FIPS 202)."""
        self._pieces += 1
        return hashlib.shake_256(self._seed + self._pieces.to_bytes(4)).digest(count)

    def draw(self, alphabet: str, count: int) -> str:
        """Return the next `count` signs of an alphabet."""
        signs, unusable = _sign_table(alphabet)
        text = ""
        while len(text) < count:
            text += self.draw_bytes(2 * (count - len(text)) + 8).translate(signs, unusable).decode()
        return text[:count]


def bits_of(alphabet: str, count: int) -> float:
    """Return how many random bits `count` signs of an alphabet carry."""
    return count * math.log2(len(alphabet))


@cache
def signs_for(alphabet: str, bits: float = BITS) -> int:
    """Return how many signs of an alphabet it takes for so many bits."""
    return max(0, math.ceil(bits / math.log2(len(alphabet))))


@cache
def _sign_table(alphabet: str) -> tuple[bytes, bytes]:
    # bytes beyond the last whole alphabet would make its first signs likelier
    usable = 256 - 256 % len(alphabet)
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256)), bytes(range(usable, 256))

"""Fingerprints as words that two people read to each other: five words of five letters, 80 bits.

Each word is two bytes as consonants and vowels in turn (the spelling of proquints), so that all can be pronounced.
"""

import hashlib

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
_WORDS, _BYTES = 5, 2


def spoken_fingerprint(text: str) -> str:
    """Return the fingerprint of a text: of a device's two keys, or of the digest of an entry."""
    digest = hashlib.sha256(f"envfs/1/fingerprint {text}".encode()).digest()
    return " ".join(_word(digest[at : at + _BYTES]) for at in range(0, _WORDS * _BYTES, _BYTES))


def device_fingerprint(author: str, recipient: str) -> str:
    """Return the fingerprint of a device."""
    return spoken_fingerprint(f"{author} {recipient}")


def _word(pair: bytes) -> str:
    number = int.from_bytes(pair, "big")
    consonants = (_CONSONANTS[number >> shift & 15] for shift in (12, 6, 0))
    vowels = (_VOWELS[number >> shift & 3] for shift in (10, 4))
    first, second, third = consonants
    return first + next(vowels) + second + next(vowels) + third

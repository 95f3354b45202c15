"""The words of a passphrase: short, of plain English, and easy to tell from each other when they are read aloud.

Law: no word is in `words.txt` twice, and none is the beginning of another. So a text of them without the signs between
them has one reading. A word of 1,544 is worth 10.6 bits.
"""

import os

from envfs import safe_open

_LARGEST = 1 << 16


def passphrase_words() -> tuple[str, ...]:
    """Return the words."""
    path = os.path.join(os.path.dirname(__file__), "words.txt")
    return tuple(
        safe_open.read_file(path, _LARGEST, follow=True).decode().split()
    )  # an installer may have put a link there

"""The start of cryptography without the formats of ssh keys, of which the keyholder has no use.

They bring `dataclasses`, `inspect` and what those need to read source text: a sixth of the load of the keyholder, and
a megabyte. `key_pairs`, which makes such keys, is a process of its own, and has them.
"""

from envfs.host import left_out

_LIBRARY = "cryptography.hazmat.primitives.serialization"


def load_serialization() -> None:
    """Load what writes keys, as every other module of the keyholder finds it."""
    left_out.load_without(_LIBRARY, (f"{_LIBRARY}.ssh",), {})

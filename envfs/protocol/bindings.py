"""The variables of a proxy's session in memory: names and placeholders, and the values that rules name.

    entry = sizes name placeholder value      three 32-bit numbers (little-endian); without a value the last is -1

Law: a value is a piece of that memory, and is not copied here.
"""

import struct
from collections.abc import Iterable, Iterator

from envfs.errors import BadRequest
from envfs.tuples import NamedTuple

_SIZES = struct.Struct("<iii")
_NONE = -1


class Binding(NamedTuple):
    """A variable, its placeholder, and its value or None. It shows its name alone."""

    name: str
    placeholder: bytes
    value: "bytes | memoryview | None"

    def __repr__(self) -> str:
        """Show no value."""
        return f"Binding({self.name})"


def encode_bindings(bindings: Iterable[Binding]) -> bytes:
    """Write bindings one after the other."""
    parts: list[bytes] = []
    for name, placeholder, value in bindings:
        written = name.encode()
        size = _NONE if value is None else len(value)
        parts += [_SIZES.pack(len(written), len(placeholder), size), written, placeholder, bytes(value or b"")]
    return b"".join(parts)


def read_bindings(memory: memoryview) -> Iterator[Binding]:
    """Iterate over the bindings in a piece of memory.

    Raises:
        BadRequest: it holds something else
    """
    at = 0
    while at < len(memory):
        try:
            sizes = _SIZES.unpack_from(memory, at)
        except struct.error:
            raise BadRequest("bindings that end early") from None
        at += _SIZES.size
        ends = (at + sizes[0], at + sizes[0] + sizes[1], at + sizes[0] + sizes[1] + max(0, sizes[2]))
        if min(sizes[:2]) < 0 or sizes[2] < _NONE or ends[2] > len(memory):
            raise BadRequest("bindings that end early")
        value = memory[ends[1] : ends[2]] if sizes[2] >= 0 else None
        yield Binding(bytes(memory[at : ends[0]]).decode(), bytes(memory[ends[0] : ends[1]]), value)
        at = ends[2]

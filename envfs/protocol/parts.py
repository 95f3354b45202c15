"""The region of a finished view: its formats, part after part (docs/protocol.md §3).

Law: written by the keyholder from values, read by the daemon in place, so that no value needs another copy there.
"""

import bisect
import struct
from typing import Final, Protocol

_ENTRY: Final = struct.Struct("<III")


def table_of(environ: bytes) -> bytes:
    """Return the table of an `environ` part."""
    rows, start = [], 0
    for entry in environ.split(b"\0")[:-1]:
        value = start + entry.index(b"=") + 1
        end = start + len(entry)
        rows.append((entry[: value - start - 1], (start, value, end)))
        start = end + 1
    return b"".join(_ENTRY.pack(*places) for _, places in sorted(rows))


class SizedRegion(Protocol):
    """Memory that can be looked at in place."""

    def __getitem__(self, piece: slice) -> bytes:
        """Copy a piece."""
        ...

    def __buffer__(self, flags: int) -> memoryview:
        """Give access without a copy."""
        ...


class ValueTable:
    """The table in a region: which variables there are, by name, and where their values are."""

    def __init__(self, region: SizedRegion, environ: int, table: int, count: int) -> None:
        """Look at `count` entries from byte `table` on. The variables stand from byte `environ` on."""
        self._region = region
        self._environ = environ
        self._start = table
        self._count = count

    def find(self, name: bytes) -> int | None:
        """Return the place of a name in alphabetical order. None if it is not there."""
        at = bisect.bisect_left(range(self._count), name, key=self.name)
        return at if at < self._count and self.name(at) == name else None

    def name(self, at: int) -> bytes:
        """Return the name at a place."""
        start, value, _ = _ENTRY.unpack_from(self._region, self._start + at * _ENTRY.size)
        return self._region[self._environ + start : self._environ + value - 1]

    def value(self, at: int) -> tuple[int, int]:
        """Return where in the region the value at a place starts and ends."""
        _, start, end = _ENTRY.unpack_from(self._region, self._start + at * _ENTRY.size)
        return self._environ + start, self._environ + end

"""What stands in the region of a finished view: its forms, part after part (docs/protocol.md §3).

Law: written by the keyholder from values, read by the daemon in place, so that no value needs another copy there.
"""

import struct
from typing import Final

NAMES: Final = (
    "dotenv",  # the text in the view's dialect
    "json",  # an object
    "example",  # dotenv text with the names alone
    "environ",  # NAME=value, each ended by a NUL
    "table",  # for each variable, by name: where its name starts in `environ`, where its value starts and ends
    "origins",  # for each variable: its name, a NUL, the level that sets it, a NUL
)
ENTRY: Final = struct.Struct("<III")


def table(environ: bytes) -> bytes:
    """Return the table of an `environ` part."""
    found, start = [], 0
    for entry in environ.split(b"\0")[:-1]:
        value = start + entry.index(b"=") + 1
        end = start + len(entry)
        found.append((entry[: value - start - 1], (start, value, end)))
        start = end + 1
    return b"".join(ENTRY.pack(*places) for _, places in sorted(found))

"""Values in etcd: a record, or the number of the pieces that it was cut into.

A server of etcd takes 1.5 MiB at once, and a record may have 2 MiB. Pieces are stored first, under a digest, and the
key of the record comes last: so a record is whole or not there, and pieces of a writer that was killed harm nobody.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

PIECE_BYTES: Final = 1 << 20
_WHOLE, _CUT = b"\0", b"\1"
_DIGEST_BYTES: Final = 32


class CutRecord(NamedTuple):
    """Where the pieces of a record stand: `digest` is that of the key and the bytes."""

    digest: bytes
    pieces: int

    def piece_name(self, number: int) -> str:
        """Return the name of a piece."""
        return f"{self.digest.hex()}/{number}"


def whole_value(data: bytes) -> bytes:
    """Return the value of a record that is not cut."""
    return _WHOLE + data


def cut_value(record: CutRecord) -> bytes:
    """Return the value of a record whose pieces stand elsewhere."""
    return _CUT + record.digest + record.pieces.to_bytes(1)


def cut_record(key: str, data: bytes) -> tuple[CutRecord, Sequence[bytes]]:
    """Cut a record into pieces."""
    pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
    return CutRecord(_digest(key, data), len(pieces)), pieces


def parse_value(value: bytes) -> bytes | CutRecord:
    """Read a value. Any other one is given as it stands: its stream is refused, and no other one."""
    if value[:1] == _WHOLE:
        return value[1:]
    if value[:1] == _CUT and len(value) == 2 + _DIGEST_BYTES:
        return CutRecord(value[1:-1], value[-1])
    return value


def join_pieces(key: str, record: CutRecord, pieces: Sequence[bytes]) -> bytes | None:
    """Put a record together. None: a piece is missing, or another one."""
    data = b"".join(pieces)
    return data if _digest(key, data) == record.digest else None


def _digest(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + data).digest()

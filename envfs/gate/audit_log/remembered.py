"""The memory of vault and witnesses about the access log, as values. Text that is no such value is left out."""

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from envfs.core import checkpoint
from envfs.core.checkpoint import StoredCheckpoint
from envfs.errors import AuthenticationFailed, EnvFSError, RolledBack, StoreUnavailable
from envfs.gate.audit_log import log_reading
from envfs.gate.audit_log.log_opening import SignedEntry
from envfs.vault.vault import Vault

_TYPES = (str, int, str, int, str, int, str)


class Stored(NamedTuple):
    """The newest checkpoint of a stream that can be read in the vault, its bytes, and how many there are."""

    stream: str = ""
    point: StoredCheckpoint | None = None
    data: bytes = b""
    last: int = 0


class Vouching(NamedTuple):
    """The newest checkpoint: its number, the number of the entry that it signs, and how many witnesses hold it."""

    record: int
    entries: int
    witnesses: int


def vouching(stored: Stored, lines: tuple[tuple[str, str], ...]) -> Vouching:
    """Return how far a stored checkpoint vouches for the log. `lines` are what witnesses have, with their places."""
    if stored.point is None:
        return Vouching(stored.last, 0, 0)
    signed = [parse_witness(place, line) for place, line in lines]
    held = sum(each is not None and (each.stream, each.record) == (stored.stream, stored.last) for each in signed)
    return Vouching(stored.last, stored.point.claim.entries, held)


def read_stored(vault: Vault, stream: str) -> tuple[Stored, str]:
    """Read the newest checkpoint of a stream. The second says why it is not the one that was seen, or is empty."""
    last, behind = 0, ""
    try:
        last = vault.last(stream)
        vault.stream_head(stream)
    except (RolledBack, AuthenticationFailed, StoreUnavailable) as error:
        behind = error.text
    for number in range(last, max(0, last - 2), -1):
        try:
            data = vault.read(stream, number) or b""
            point = checkpoint.parse_checkpoint(data)
        except EnvFSError as error:
            behind = behind or f"checkpoint {number} of {stream}: {error.text}"
            continue
        if (point.header.stream, point.header.seq) == (stream, number):
            return Stored(stream, point, data, last), behind
        behind = behind or f"checkpoint {number} of {stream} was written for another place"
    return Stored(stream, last=last), behind


def read_former(vault: Vault, log: Path, own: Stored) -> tuple[Stored, str]:
    """Return the newest checkpoint of this very log, its own or one from when home or machine had another name.

    The second says which stream of such a time is older than what was seen, or is empty.
    """
    newest, older, entries = own, "", own.point.claim.entries if own.point else 0
    for stream in vault.log_streams():
        if stream == own.stream:
            continue
        stored, behind = read_stored(vault, stream)
        if behind and vault.memory.get(stream):  # what is remembered of these this home wrote itself
            older = older or behind
        if behind or stored.point is None or stored.point.claim.entries <= entries:
            continue
        with suppress(EnvFSError):
            if log_reading.holds_entry(log, signed_by(stored).end):
                newest, entries = stored, stored.point.claim.entries
    return newest, older


def signed_by(stored: Stored) -> SignedEntry:
    """Return the newest checkpoint's statement on the log. Raises ValueError if there is none."""
    point = stored.point
    if point is None:
        raise ValueError("there is no checkpoint")
    header, claim = point.header, point.claim
    place = f"checkpoint {header.seq} of the vault"
    return SignedEntry(
        place, stored.stream, header.seq, claim.begin, claim.entries, claim.tip, claim.offset, header.time
    )


def render_witness(signed: SignedEntry) -> str:
    """Write a checkpoint as a witness has it."""
    return json.dumps(signed[1:], separators=(",", ":"))


def parse_witness(place: str, line: str) -> SignedEntry | None:
    """Read what a witness has, or return None."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(body, list) and tuple(map(type, body)) == _TYPES
    return SignedEntry(place, *body) if is_one else None

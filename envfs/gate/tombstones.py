"""The owner's tombstones of a stream: the keyholder checks each (docs/format.md §9)."""

from envfs.core import record, tombstones
from envfs.gate.keyholder import Keyholder
from envfs.protocol.answers import Faults
from envfs.protocol.keyholding import CheckTombstones
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault


async def checked_tombstones(vault: Vault, keyholder: Keyholder, stream: str) -> dict[int, str]:
    """Return the digests of the records that were forgotten, by number. The first tombstone for one counts.

    Tombstones that cannot be read excuse nothing, and keep nobody from what there is besides.

    Raises:
        Locked: the keyholder has no identity
    """
    try:
        return await _checked(vault, keyholder, stream)
    except DAMAGED:
        return {}


async def _checked(vault: Vault, keyholder: Keyholder, stream: str) -> dict[int, str]:
    mourning = record.tombstone_stream(stream)
    texts = tuple(vault.read(mourning, seq) or b"" for seq in range(1, vault.last(mourning) + 1))
    if not texts:
        return {}
    places = tuple(vault.place(mourning, seq) for seq in range(1, len(texts) + 1))
    faults = (await keyholder.ask(CheckTombstones(places), Faults, texts)).message.texts
    named: dict[int, str] = {}
    for text in (text for text, fault in zip(texts, faults, strict=True) if not fault):
        for point in tombstones.parse_tombstone(text)[1]:
            named.setdefault(*point)
    return named

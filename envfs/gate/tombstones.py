"""The owner's tombstones of a stream: the keyholder checks each (docs/format.md §9)."""

from envfs.core import record, tombstones
from envfs.gate.keyholder import Keyholder
from envfs.protocol.answers import Faults
from envfs.protocol.keyholding import CheckTombstones
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault

_AT_ONCE, _BYTES_AT_ONCE = 1000, 4 << 20


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
    mourning, named, first = record.tombstone_stream(stream), dict[int, str](), 1
    last = vault.last(mourning)
    while first <= last:
        texts = _texts(vault, mourning, range(first, last + 1))
        places = tuple(vault.place(mourning, seq) for seq in range(first, first + len(texts)))
        blobs = [*texts]
        request = CheckTombstones(places, vault.add_members(blobs))
        faults = (await keyholder.ask(request, Faults, blobs)).message.texts
        for text in (text for text, fault in zip(texts, faults, strict=True) if not fault):
            for point in tombstones.parse_tombstone(text)[1]:
                named.setdefault(*point)
        first += len(texts)
    return named


def _texts(vault: Vault, mourning: str, numbers: range) -> list[bytes]:
    # as many as are bounded in number and in bytes: another program may have put anything there
    texts: list[bytes] = []
    for seq in numbers[:_AT_ONCE]:
        texts.append(vault.read(mourning, seq) or b"")
        if sum(map(len, texts)) > _BYTES_AT_ONCE:
            break
    return texts

"""Several levels checked in one request of the keyholder: of thousands of levels, most have a few versions each.

Law: it is said of levels that they are whole, and nothing else. A level that is not is looked at alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from envfs.core import names, record
from envfs.errors import Locked
from envfs.gate.keyholder import Keyholder
from envfs.protocol.keyholding import CheckRecords, Faults
from envfs.vault.damage import DAMAGED
from envfs.vault.vault import Vault

_RECORDS, _BYTES = 64, 2 << 20


def grouped(streams: Iterable[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield the streams in their order: levels of few records together, and each other one alone."""
    group: list[str] = []
    for stream in streams:
        is_small = record.is_level_stream(stream) and 0 < sizes[stream] < _RECORDS
        if group and not (is_small and sum(map(sizes.__getitem__, (*group, stream))) <= _RECORDS):
            yield group
            group = []
        group.append(stream)
        if not is_small:
            yield group
            group = []
    if group:
        yield group


async def are_whole(vault: Vault, keyholder: Keyholder, streams: list[str], sizes: Mapping[str, int]) -> bool:
    """Tell whether all records of some levels are there and as they were written, and none was forgotten."""
    with suppress(*DAMAGED, Locked):
        async with keyholder.turn():
            if (
                not all(_is_plain(vault, stream, sizes[stream]) for stream in streams)
                or _size(vault, streams, sizes) > _BYTES
            ):
                return False
            levels = [(stream.removeprefix("level") or names.ROOT, sizes[stream]) for stream in streams]
            layers = vault.layers([(level, seq) for level, last in levels for seq in range(1, last + 1)])
            answer = await keyholder.ask(CheckRecords(layers.layers), Faults, layers.blobs)
            return not any(answer.message.texts)
    return False


def _is_plain(vault: Vault, stream: str, last: int) -> bool:
    expected = tuple(record.record_key(stream, seq) for seq in range(1, last + 1))
    return vault.keys_of(stream) == expected and not vault.last(record.tombstone_stream(stream))


def _size(vault: Vault, streams: list[str], sizes: Mapping[str, int]) -> int:
    heads = [(vault.stream_head(stream), sizes[stream]) for stream in streams]
    return sum(len(head.data) * last for head, last in heads if head)

"""Chains at old versions, remembered as long as their records are the files that were read.

A record may be large, and each look at a file of an old version asks for the digests of its chain.
"""

from collections.abc import Callable
from typing import NamedTuple

from envfs.core import names, record
from envfs.store import Store, Watch

_MOST = 256


class PastChain(NamedTuple):
    """The versions and the digests of a chain, the top first. 0 and the empty string for a level without text."""

    versions: tuple[int, ...]
    digests: tuple[str, ...]


class _Remembered(NamedTuple):
    above: tuple[str, ...]
    watches: tuple[Watch, ...]
    chain: PastChain


class Past:
    """The chains of the old versions that were asked for last."""

    def __init__(self, store: Store) -> None:
        """Watch the records in `store`."""
        self._store = store
        self._chains: dict[tuple[str, int], _Remembered] = {}

    def get(self, level: str, version: int, above: tuple[str, ...]) -> PastChain | None:
        """Return a chain if it is remembered, and the levels above it have the heads `above` (digests) as then."""
        remembered = self._chains.get((level, version))
        if remembered is None or remembered.above != above:
            return None
        changed = [watch.changed() for watch in remembered.watches]
        return None if any(changed) else remembered.chain

    def read(
        self, level: str, versions: tuple[int, ...], above: tuple[str, ...], data: Callable[[str, int], bytes]
    ) -> PastChain:
        """Return the chain with these versions, reading the records by `data`, and remember it."""
        key = (level, versions[-1])
        self._chains.pop(key, None)
        steps = list(zip(names.chain(level), versions, strict=True))
        watches = tuple(
            self._store.watch(record.record_key(record.level_stream(step), seq)) for step, seq in steps if seq
        )
        for watch in watches:
            watch.changed()  # before the bytes are read
        chain = PastChain(versions, tuple(record.digest(data(step, seq)) if seq else "" for step, seq in steps))
        while len(self._chains) >= _MOST:
            del self._chains[next(iter(self._chains))]
        self._chains[key] = _Remembered(above, watches, chain)
        return chain

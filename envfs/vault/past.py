"""Old versions of levels, and chains at old versions, remembered as long as their records are the files that were read.

A record may be large, and each look at a file of an old version asks for the digests of its chain.
"""

from typing import NamedTuple

from envfs.core import names, record
from envfs.core.version_choice import VersionChoice
from envfs.errors import NoSuchLevel
from envfs.store import Store, Watch
from envfs.vault.streams import Streams

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
    """The old versions of the levels of one vault."""

    def __init__(self, store: Store, streams: Streams) -> None:
        """Watch in `store` the records that `streams` reads."""
        self._store = store
        self._streams = streams
        self._chains: dict[tuple[str, int], _Remembered] = {}
        self._forgotten: dict[str, tuple[int, frozenset[int]]] = {}  # by level, and how many tombstones say so

    def data(self, level: str, version: int) -> bytes:
        """Return the bytes of one record of a level.

        Raises:
            NoSuchLevel: the level has no such version, or it was forgotten
        """
        stream = record.level_stream(level)
        head = self._streams.head(stream)
        if head is not None and head.seq == version:
            return head.data
        data = self._streams.data(stream, version)
        if data is None:
            raise NoSuchLevel(f"{level} has no version {version}", f"`envfs history {level}` lists them")
        if not data and version in self._streams.forgotten(stream):
            hint = "`envfs verify` says whether its tombstone is the owner's"
            raise NoSuchLevel(f"{level} has no version {version} any more: version {version} was forgotten", hint)
        return data

    def forgotten_versions(self, level: str) -> frozenset[int]:
        """Return the versions of a level that tombstones name. Those that were read are not read again."""
        stream = record.level_stream(level)
        count, versions = self._forgotten.get(level, (0, frozenset()))
        if self._streams.data(record.tombstone_stream(stream), count + 1) is None:
            return versions
        count, versions = (
            self._streams.last(record.tombstone_stream(stream)),
            frozenset(self._streams.forgotten(stream)),
        )
        if len(self._forgotten) >= _MOST:
            self._forgotten.pop(next(iter(self._forgotten)))
        self._forgotten[level] = count, versions
        return versions

    def chosen(self, level: str, choice: VersionChoice) -> int:
        """Return the number of the version that is meant. 0 if there is none, or the newest is meant.

        Raises:
            NoSuchLevel: the level has fewer versions than are counted back
        """
        if choice.moment:
            return self._version_at(level, choice.moment)
        if choice.number >= 0:
            return choice.number
        head = self._streams.head(record.level_stream(level))
        newest = head.seq if head else 0
        if newest + choice.number < 1:
            text = f"{level} has {newest} version{'' if newest == 1 else 's'}, and none so far back"
            raise NoSuchLevel(text, f"`envfs history {level}` lists them")
        return newest + choice.number

    def chain_at_moment(self, level: str, moment: str) -> PastChain:
        """Return a chain as it was at a moment, by the times of the records. Nothing of it is remembered."""
        steps = names.chain(level)
        versions = tuple(self._version_at(step, moment) for step in steps)
        return PastChain(versions, self._digests(steps, versions))

    def _digests(self, steps: tuple[str, ...], versions: tuple[int, ...]) -> tuple[str, ...]:
        pairs = zip(steps, versions, strict=True)
        return tuple(record.digest(self.data(step, seq)) if seq else "" for step, seq in pairs)

    def versions_at(self, level: str, version: int) -> tuple[int, ...]:
        """Return the versions of a chain as they were when that version of `level` was written.

        Raises:
            NoSuchLevel: the level has no such version
        """
        moment = record.parse_header(self.data(level, version)).time
        above = names.chain(level)[:-1]
        return (*(self._version_at(step, moment) for step in above), version)

    def first_since(self, level: str, moment: str) -> int:
        """Return the first version that was written at a moment or after it. If there is none, the newest."""
        head = self._streams.head(record.level_stream(level))
        low, high = 1, head.seq if head else 1
        while low < high:
            middle = (low + high) // 2
            if self._time_of(level, middle) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def _version_at(self, level: str, moment: str) -> int:
        head = self._streams.head(record.level_stream(level))
        low, high = 0, head.seq if head else 0
        while low < high:
            middle = (low + high + 1) // 2
            if self._time_of(level, middle) <= moment:
                low = middle
            else:
                high = middle - 1
        return low

    def _time_of(self, level: str, version: int) -> str:
        # of a version without its bytes: not before that of the one before it
        stream = record.level_stream(level)
        while (data := self._streams.data(stream, version)) == b"":
            version -= 1
        return record.parse_header(data).time if data else ""

    def chain_at(self, level: str, version: int, above: tuple[str, ...]) -> PastChain:
        """Return a chain as it was at that version. `above` are the digests of the present heads above the level.

        Raises:
            NoSuchLevel: the level has no such version
        """
        return self._remembered(level, version, above) or self._read(level, self.versions_at(level, version), above)

    def _remembered(self, level: str, version: int, above: tuple[str, ...]) -> PastChain | None:
        remembered = self._chains.get((level, version))
        if remembered is None or remembered.above != above:
            return None
        changed = [watch.changed() for watch in remembered.watches]
        return None if any(changed) else remembered.chain

    def _read(self, level: str, versions: tuple[int, ...], above: tuple[str, ...]) -> PastChain:
        key = (level, versions[-1])
        self._chains.pop(key, None)
        steps = list(zip(names.chain(level), versions, strict=True))
        watches = tuple(
            self._store.watch(record.record_key(record.level_stream(step), seq)) for step, seq in steps if seq
        )
        for watch in watches:
            watch.changed()  # before the bytes are read
        chain = PastChain(versions, self._digests(names.chain(level), versions))
        while len(self._chains) >= _MOST:
            del self._chains[next(iter(self._chains))]
        self._chains[key] = _Remembered(above, watches, chain)
        return chain

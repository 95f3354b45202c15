"""Forks: streams of which an engine and this machine have other records in one place, and where the two part.

Law: records are chained, so whoever has the same record in a place has the same ones before it.
"""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager

import trio

from envfs.core import record
from envfs.courier.engine import Engine
from envfs.errors import StoreUnavailable
from envfs.service.sharing.mirror import Mirror

AT_ONCE = 120  # records: of the largest size they are the most that one message may carry
_SECONDS = 30.0  # for one request to the engine
_IN_TURN = 200  # streams of which a pass looks at a record, although nothing says that they changed


class ForkSearch:
    """Compares one mirror with an engine."""

    def __init__(self, mirror: Mirror) -> None:
        """Compare what is in `mirror`."""
        self._mirror = mirror
        self._turn = 0

    def choose(
        self, mine: Mapping[str, int], heads: Mapping[str, int], forked: Container[str], *, is_whole: bool, is_new: bool
    ) -> dict[str, int]:
        """Choose the places that are compared in a pass, at most one of a stream.

        Before anything is given back, the engine has to have what that follows on. Where neither has more, another
        record may stand in the newest place. All are looked at with a new connection, otherwise in turn.
        """
        common = {stream: min(seq, heads[stream]) for stream, seq in mine.items() if heads.get(stream)}
        if is_new:
            return common
        ahead = {stream: seq for stream, seq in common.items() if stream in forked or seq < mine[stream]}
        equal = sorted(stream for stream in common if mine[stream] == heads[stream])
        if is_whole:
            equal = self._take_turn(equal)
        return {**{stream: mine[stream] for stream in equal}, **ahead}

    def _take_turn(self, streams: list[str]) -> list[str]:
        start = self._turn if self._turn < len(streams) else 0
        self._turn = start + _IN_TURN
        return streams[start : self._turn]

    async def differing(self, engine: Engine, places: Mapping[str, int]) -> frozenset[str]:
        """Return the streams of which the engine has another record in the place.

        Raises:
            StoreUnavailable: the engine cannot be reached
        """
        forked: set[str] = set()
        pairs = [(record.record_key(stream, seq), stream) for stream, seq in places.items()]
        for start in range(0, len(pairs), AT_ONCE):
            keys = dict(pairs[start : start + AT_ONCE])
            with bounded():
                came = await engine.get(list(keys))
            forked |= {keys[key] for key, data in came.items() if data and (self._mirror.read(key) or data) != data}
        return frozenset(forked)

    async def last_common(self, engine: Engine, stream: str, most: int) -> int:
        """Return the last number, at most `most`, of which both have the same record. 0 if there is none.

        Raises:
            StoreUnavailable: the engine cannot be reached
        """
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            if await self.differing(engine, {stream: middle}):
                high = middle - 1
            else:
                low = middle
        return low


@contextmanager
def bounded() -> Iterator[None]:
    """Bound one request: whatever the engine does, a pass ends.

    Raises:
        StoreUnavailable: it takes too long
    """
    try:
        with trio.fail_after(_SECONDS):
            yield
    except trio.TooSlowError:
        raise StoreUnavailable("the engine does not answer", "`envfs sync status` says since when") from None

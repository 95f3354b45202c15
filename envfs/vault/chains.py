"""The heads of levels and of those above them: what a view is made of, looked at for each question about it.

Law: others' changes are seen within a millisecond, this process's own at once, as it has all of this forgotten.
"""

import time
from typing import NamedTuple

from envfs.core import names, record
from envfs.vault.counting import CountingRecords
from envfs.vault.streams import Streams


class Chain(NamedTuple):
    """The heads of a level's chain, the top first: their numbers and digests, and until when they are believed.

    They are those of `finds`: streams with the number of their `Streams.finds`. Among them is the list of members if
    the vault `has_list`.
    """

    until_ns: int
    versions: tuple[int, ...]
    fingerprint: tuple[str, ...]
    finds: tuple[tuple[str, int], ...]
    has_list: bool


class Chains:
    """The chains of one vault."""

    def __init__(self, streams: Streams, counting: CountingRecords) -> None:
        """Look at the heads of `streams`, as far as they count."""
        self._streams = streams
        self._counting = counting
        self._chains: dict[str, Chain] = {}

    def of(self, level: str) -> Chain:
        """Return the chain of a level as it is now, or was a millisecond ago."""
        now_ns = time.monotonic_ns()
        chain = self._chains.get(level)
        if chain is not None:
            if now_ns < chain.until_ns:
                return chain
            until_ns = chain.has_list is self._counting.has_list and self._streams.stay_until(chain.finds, now_ns)
            if until_ns:  # nothing is put together again: in a crowd of readers this is asked a thousand times a second
                chain = self._chains[level] = Chain(until_ns, *chain[1:])
                return chain
        return self._look(level, now_ns)

    def clear(self) -> None:
        """Forget all of them, because something was changed."""
        self._chains.clear()

    def _look(self, level: str, now_ns: int) -> Chain:
        chain, steps = self._chains.get(level), names.chain(level)
        streams = [record.level_stream(step) for step in steps]
        looks = [self._streams.glance(stream, now_ns) for stream in streams]
        heads = [self._counting.newest(stream, look[0]) for stream, look in zip(streams, looks, strict=True)]
        # a key that was changed since refuses the view, though that is made already
        projects = {names.project(step) for step, head in zip(steps, heads, strict=True) if head}
        key_streams = [record.key_stream(project) for project in projects]
        looks += [self._streams.glance(stream, now_ns) for stream in key_streams]
        versions = tuple(head.seq if head else 0 for head in heads)
        digests = tuple(head.digest if head else "" for head in heads)
        if chain is not None and chain.fingerprint == digests:
            digests = chain.fingerprint  # the same object, which is compared at once
        has_list = self._counting.has_list
        looked_at = *streams, *key_streams, *((record.MEMBERS,) if has_list else ())
        until_ns = min(until_ns for _, until_ns in looks)
        finds = tuple((stream, self._streams.finds(stream)) for stream in looked_at)
        self._chains[level] = Chain(until_ns, versions, digests, finds, has_list)
        return self._chains[level]

"""Changes of one variable by two writers at once: the later one is told.

Law: the newest versions of the levels that were written last are remembered, so memory is bounded.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

_LEVELS, _VERSIONS = 256, 64


class Overtaken(NamedTuple):
    """A variable that another writer changed while a change of it was under way, and by which version."""

    name: str
    version: int


class RecentChanges:
    """The names that the newest versions of levels changed."""

    def __init__(self) -> None:
        """Start with none."""
        self._levels: dict[str, deque[tuple[int, frozenset[str]]]] = {}

    def add(self, level: str, version: int, names: Iterable[str]) -> None:
        """Remember a version that was stored."""
        versions = self._levels.pop(level, None) or deque[tuple[int, frozenset[str]]](maxlen=_VERSIONS)
        versions.append((version, frozenset(names)))
        self._levels[level] = versions  # behind those that were written before
        if len(self._levels) > _LEVELS:
            del self._levels[next(iter(self._levels))]

    def missing(self, level: str, first: int, end: int) -> range:
        """Return the versions from `first` on, before `end`, from the oldest to the newest that is not remembered."""
        remembered = {seq for seq, _ in self._levels.get(level, ())}
        others = [seq for seq in range(max(first, end - _VERSIONS), end) if seq not in remembered]
        return range(others[0], others[-1] + 1) if others else range(0)

    def since(self, level: str, version: int, names: Iterable[str]) -> tuple[Overtaken, ...]:
        """Return which of these names versions after `version` changed, each with the newest of them."""
        newest = {name: seq for seq, changed in self._levels.get(level, ()) if seq > version for name in changed}
        return tuple(Overtaken(name, newest[name]) for name in sorted({*names} & newest.keys()))

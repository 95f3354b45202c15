"""The index of levels (`tree/<level>/@`) held against the streams that there are (docs/format.md §3)."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet


def index_key(level: str) -> str:
    """Return the key of a level in the index."""
    return "tree/@" if level == "/" else f"tree{level}/@"


def index_differences(there: AbstractSet[str], streams: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys that the index lacks, and those of levels that have nothing at or below them.

    `streams` are those that have a record. A project that has a key and nothing else is in the index too: one with a
    level below it is there by that, and the first vaults had no more. The key of level `/` alone needs none.
    """
    due, backed = set(), {"tree/@"}
    for stream in streams:
        top, _, path = stream.partition("/")
        if top in ("level", "key"):
            key = f"tree/{path}/@" if path else "tree/@"
            backed.add(key)
            below = key.removesuffix("@")
            if top == "level" or (path and not any(other.startswith(below) for other in there)):
                due.add(key)
    idle = (key for key in there if not any(other.startswith(key.removesuffix("@")) for other in backed))
    return tuple(sorted(due - there)), tuple(sorted(idle))

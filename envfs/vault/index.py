"""The index of levels (`tree/<level>/@`) held against the streams that there are (docs/format.md §3)."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet


def index_differences(there: AbstractSet[str], streams: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys that the index lacks, and those of levels that have nothing at or below them.

    `streams` are those that have a record. A project that has a key and nothing else is in the index too: one with a
    level below it is there by that, and the first vaults had no more. The key of level `/` alone needs none.
    """
    due, backed = set(), {"tree/@"}
    with_one_below = {folder for key in there for folder in _folders_above(key)}
    for stream in streams:
        top, _, path = stream.partition("/")
        if top in ("level", "key"):
            key = f"tree/{path}/@" if path else "tree/@"
            backed.add(key)
            if top == "level" or (path and key.removesuffix("/@") not in with_one_below):
                due.add(key)
    with_record_below = {folder for key in backed for folder in _folders_above(key)}
    idle = there - backed - {f"{folder}/@" for folder in with_record_below}
    return tuple(sorted(due - there)), tuple(sorted(idle))


def _folders_above(key: str) -> Iterator[str]:
    # of tree/shop/prod/@: tree/shop and tree
    folder = key.removesuffix("/@")
    while folder := folder.rpartition("/")[0]:
        yield folder

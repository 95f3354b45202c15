"""Parts of a vault in PostgreSQL: the ranges of streams that a prefix of keys names, and the channels of their notices.

A channel's name is the schema's and a digest of a project's, as names of channels are short. The digest hides nothing:
the server has the names of streams anyway. Each notice is sent on the channel of all too, for those who read all.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

_FIRST, _BEHIND_ALL = "!", "~"  # before and behind each name of a stream
_DIGITS: Final = 16


def stream_ranges(prefix: str) -> list[tuple[str, str]]:
    """Return the ranges of streams with keys that start so: the first one, and the first one behind."""
    if not prefix:
        return [(_FIRST, _BEHIND_ALL)]
    stream, at, _ = prefix.partition("/@")
    if at:
        return [(stream, f"{stream}{_FIRST}")]
    below = (prefix, f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}")
    return [(prefix[:-1], f"{prefix[:-1]}{_FIRST}"), below] if prefix.endswith("/") else [below]


def channels(schema: str, prefixes: Sequence[str]) -> tuple[str, ...]:
    """Return the channels on which notices about such keys arrive: that of all, where a prefix is of no one project."""
    parts = [_part(prefix) for prefix in prefixes]
    if None in parts:
        return (schema,)
    digests = (hashlib.sha256(str(part).encode()).hexdigest()[:_DIGITS] for part in parts)
    return tuple(dict.fromkeys(f"{schema}.{digest}" for digest in digests))


def _part(prefix: str) -> str | None:
    # the project, or whose shared log it is, empty for what is of all. channel_of in schema.py is the same
    kind, *steps = prefix.removeprefix("tombstone/").split("/")
    if kind not in ("member", "key", "level", "audit") or not steps:
        return None
    return "" if steps[0].startswith("@") or kind == "member" else (steps[0] if len(steps) > 1 else None)

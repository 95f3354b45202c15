"""The keys that machines share of a vault, out of those of a store (docs/format.md §3).

Shared are the public description and the streams of keys, levels, members, tombstones and shared logs. The index of
levels is made by each machine for itself, and checkpoints are each machine's own.
"""

import re
from collections.abc import Iterable

from envfs.core import limits, names, record, shared_logs
from envfs.errors import BadName, TooLarge

DESCRIPTION = "vault.toml"
STREAMS = ("member", "key", "tombstone", "level", "audit")  # in the order in which a machine needs them
_PREFIX = re.compile(r"[A-Za-z0-9_.@/-]*", re.ASCII)
_PREFIX_BYTES = 2000


def is_shared_key(text: str) -> bool:
    """Tell whether a text is a key that machines share."""
    return text == DESCRIPTION or (record.is_key(text) and is_shared_stream(stream_of(text)))


def is_shared_stream(text: str) -> bool:
    """Tell whether a text is a stream that machines share."""
    kind, *parts = text.split("/")
    if kind == "tombstone":
        kind, *parts = parts or [""]
        return kind in ("key", "level") and _is_path(kind, parts)
    return kind in STREAMS and _is_path(kind, parts)


def _is_path(kind: str, parts: list[str]) -> bool:
    if kind == "audit":
        return shared_logs.is_audit_stream("/".join((kind, *parts)))
    deepest = {"member": 0, "key": 1}.get(kind, limits.DEPTH)
    return len(parts) <= deepest and all(map(names.is_component, parts))


def check_shared_key(text: str) -> None:
    """Refuse what is no key that machines share.

    Raises:
        BadName: it is none
    """
    if not is_shared_key(text):
        raise BadName("not a key of a shared vault")


def check_shared_record(key: str, data: bytes) -> None:
    """Refuse what an engine must not be given.

    Raises:
        BadName: the key is none that machines share
        TooLarge: the bytes are over the limit of a record
    """
    check_shared_key(key)
    if len(data) > limits.RECORD_BYTES:
        raise TooLarge("a record is over its limit", f"at most {limits.RECORD_BYTES} bytes are allowed")


def check_prefix(text: str) -> None:
    """Refuse what cannot be the beginning of a key.

    Raises:
        BadName: it has other characters, or is too long
    """
    if len(text) > _PREFIX_BYTES or not _PREFIX.fullmatch(text) or ".." in text.split("/") or text.startswith("/"):
        raise BadName("not the beginning of a key")


def check_prefixes(texts: Iterable[str]) -> None:
    """Refuse what cannot be beginnings of keys. Raises as `check_prefix` does."""
    for text in texts:
        check_prefix(text)


def is_within(stream: str, prefixes: Iterable[str]) -> bool:
    """Tell whether a stream may have keys that start with one of some prefixes."""
    start = f"{stream}/@"
    return any(start.startswith(prefix) or prefix.startswith(start) for prefix in prefixes)


def stream_of(key: str) -> str:
    """Return the stream of a record's key, which is the key up to its last slash."""
    return key.rpartition("/")[0]


def newest_numbers(keys: Iterable[str]) -> dict[str, int]:
    """Return the newest number of each stream, from the keys of records. Other keys are passed over."""
    newest: dict[str, int] = {}
    for key in keys:
        number = record.key_number(key)
        if number:
            stream = stream_of(key)
            newest[stream] = max(number, newest.get(stream, 0))
    return newest

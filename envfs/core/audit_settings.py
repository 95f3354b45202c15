"""`[audit]` of the settings file: when a segment of the access log is closed, what is kept of it, and who hears of it.

Law: a table that is not understood is refused whole.
"""

from enum import StrEnum
from typing import NamedTuple, TypeVar

from envfs.core import durations

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SMALLEST = 4 << 10
_LARGEST = 1 << 40
_MOST_FILES = 1_000_000
_SHORTEST_SHARE = 60
T = TypeVar("T", bound=StrEnum)


class Copies(StrEnum):
    """Where a copy of each entry goes."""

    NONE = "none"
    JOURNALD = "journald"
    SYSLOG = "syslog"


class Compression(StrEnum):
    """How closed segments are stored."""

    NONE = "none"
    GZIP = "gzip"


class Sync(StrEnum):
    """When entries are put on the disk: once a second, or each one before what it speaks of happens."""

    INTERVAL = "interval"
    ALWAYS = "always"


class AuditSettings(NamedTuple):
    """The content of `[audit]`.

    A segment is closed at `segment_bytes`, or when its first entry is `segment_seconds` old (0: never for its age). Of
    the closed ones the newest `keep_segments` are kept (0: all), and none that was closed `keep_seconds` ago (0: for
    ever). `hook` is the path of a program that is started when a canary is read, or empty. With `share` the
    entries go to the auditors of a shared vault, every `share_seconds` at most.
    """

    segment_bytes: int = 64 << 20
    segment_seconds: int = 0
    keep_segments: int = 0
    keep_seconds: int = 0
    compress: Compression = Compression.NONE
    sync: Sync = Sync.INTERVAL
    copies: Copies = Copies.NONE
    hook: str = ""
    share: bool = False
    share_seconds: int = 3600


KEYS = {
    "segment_size": str,
    "segment_age": str,
    "keep": int,
    "keep_age": str,
    "compress": str,
    "sync": str,
    "copies": str,
    "hook": str,
    "share": bool,
    "share_every": str,
}


def parse_audit(table: dict[str, object]) -> AuditSettings:
    """Read the table, whose keys and types were checked.

    Raises:
        ValueError: its text says which setting is wrong, and what it takes
    """
    usual = AuditSettings()
    return AuditSettings(
        segment_bytes=_size("segment_size", table, usual.segment_bytes),
        segment_seconds=_duration("segment_age", table),
        keep_segments=_count("keep", table),
        keep_seconds=_duration("keep_age", table),
        compress=_choice("compress", table, usual.compress),
        sync=_choice("sync", table, usual.sync),
        copies=_choice("copies", table, usual.copies),
        hook=_program("hook", table),
        share=bool(table.get("share", False)),
        share_seconds=max(_SHORTEST_SHARE, _duration("share_every", table) or usual.share_seconds),
    )


def _size(key: str, table: dict[str, object], usual: int) -> int:
    if key not in table:
        return usual
    text = str(table[key])
    number, unit = text[:-1], _UNITS.get(text[-1:], 0)
    size = int(number) * unit if number.isascii() and number.isdigit() and len(number) < len(str(_LARGEST)) else 0
    if not _SMALLEST <= size <= _LARGEST:
        raise ValueError(f"{key} in [audit] is a size from 4K on, such as 64M or 1G")
    return size


def _duration(key: str, table: dict[str, object]) -> int:
    if key not in table:
        return 0
    try:
        return durations.parse_duration(str(table[key]))
    except ValueError:
        raise ValueError(f"{key} in [audit] is a duration such as 12h or 90d") from None


def _count(key: str, table: dict[str, object]) -> int:
    number = table.get(key, 0)
    if not isinstance(number, int) or not 0 <= number <= _MOST_FILES:
        raise ValueError(f"{key} in [audit] is a number of closed segments, or 0 for all")
    return number


def _choice(key: str, table: dict[str, object], usual: T) -> T:
    kind = type(usual)
    try:
        return kind(str(table.get(key, usual)))
    except ValueError:
        raise ValueError(f"{key} in [audit] is one of {', '.join(kind)}") from None


def _program(key: str, table: dict[str, object]) -> str:
    path = str(table.get(key, ""))
    if path and (not path.startswith("/") or "\0" in path):
        raise ValueError(f"{key} in [audit] is the absolute path of a program")
    return path

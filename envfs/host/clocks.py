"""The clocks: wall time for people and records, boot time for everything that ends after a while."""

import functools
import time
from datetime import UTC, datetime
from pathlib import Path


def wall_time() -> str:
    """Return the time in UTC as RFC 3339 text with microseconds, as it stands in records and log entries."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@functools.lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def time_text(moment: datetime) -> str:
    """Write a moment the one way in which EnvFS writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(nanoseconds: int) -> datetime:
    """Return a moment from nanoseconds since 1970."""
    return datetime.fromtimestamp(nanoseconds / 1_000_000_000, UTC)


@functools.lru_cache(maxsize=256)
def parse_nanoseconds(written: str) -> int:
    """Return a moment as records and log entries have it as nanoseconds since 1970."""
    moment = datetime.fromisoformat(written)  # `strptime` would load the names of months first, for 1.4 ms
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def boot_seconds() -> float:
    """Return seconds since the machine started, sleep included; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def time_of_boot_seconds(seconds: float) -> str:
    """Return the moment so many seconds after the machine's start in UTC, by what the wall clock says now."""
    return time_text(moment_of(time.time_ns() - round((boot_seconds() - seconds) * 1_000_000_000)))


def boot_seconds_of(written: str) -> float:
    """Return a moment as seconds after the machine's start, by what the wall clock says now."""
    return boot_seconds() - (time.time_ns() - parse_nanoseconds(written)) / 1_000_000_000


def wall_ns() -> int:
    """Return the time in nanoseconds since 1970, as file systems note it."""
    return time.time_ns()


@functools.cache
def boot_id() -> str:
    """Return the identity of this run of the machine: boot seconds mean something only beside it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

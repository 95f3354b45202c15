"""Times as people give them to commands, as in `2h`, `2026-11-21` and `2026-11-21T08:00`.

Laws: one without an offset is in the zone of this process, as times on a terminal are. The result is UTC, as
entries of the log have it.
"""

import time
from contextlib import suppress

from envfs.core import durations

_SHAPES = ("0000-00-00", "0000-00-00T00:00", "0000-00-00T00:00:00")
_OFFSETS = ("", "Z", "+00:00", "-00:00")
_DAY = len("2026-11-21")
_WRITTEN = "%Y-%m-%dT%H:%M:%S"


def parse_log_time(text: str, now: float) -> str:
    """Return a time as an entry has it (RFC 3339, UTC, to the second). `now` is in seconds since 1970.

    Raises:
        ValueError: it is none
    """
    with suppress(ValueError):
        return time_ago(text, now)
    return _parse_moment(text.strip().replace(" ", "T"))


def time_ago(text: str, now: float) -> str:
    """Return the time so long ago, as an entry has it. Raises ValueError if `text` is no duration."""
    return time.strftime(_WRITTEN, time.gmtime(max(0.0, now - durations.parse_duration(text))))


def _parse_moment(text: str) -> str:
    from datetime import UTC, datetime

    digits = "".join("0" if letter.isascii() and letter.isdigit() else letter for letter in text)
    shape = max((shape for shape in _SHAPES if digits.startswith(shape)), default="")
    if not shape or digits.removeprefix(shape) not in _OFFSETS:
        raise ValueError("not a time")
    day, behind = text[:_DAY], text[_DAY:]
    try:
        moment = datetime.fromisoformat(text if behind.startswith("T") else f"{day}T00:00{behind}").astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time") from None
    return moment.replace(tzinfo=None).isoformat("T", "seconds")

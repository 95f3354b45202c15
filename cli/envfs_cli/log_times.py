"""Times as people give them to `envfs log`: how long ago, a day, or a day and a time, in UTC as entries have them."""

import time
from contextlib import suppress

from envfs.core import durations

_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_WRITTEN = "%Y-%m-%dT%H:%M:%S"


def parse_log_time(text: str, now: float) -> str:
    """Return a time as an entry has it (RFC 3339, UTC). `now` is in seconds since 1970.

    Raises:
        ValueError: it is none
    """
    with suppress(ValueError):
        return time_ago(text, now)
    return _parse_date(text)


def time_ago(text: str, now: float) -> str:
    """Return the time so long ago, as an entry has it. Raises ValueError if `text` is no duration."""
    return time.strftime(_WRITTEN, time.gmtime(max(0.0, now - durations.parse_duration(text))))


def _parse_date(text: str) -> str:
    for form in _FORMATS:
        try:
            return time.strftime(_WRITTEN, time.strptime(text.strip().removesuffix("Z").replace(" ", "T"), form))
        except ValueError:
            continue
    raise ValueError("not a time")

"""Times for narrow columns: of today the minute, of this year the day too, of other years the day alone."""

from envfs_cli import output

_DAY, _MINUTE = len("2026-11-30"), len("2026-11-30T16:10")
_YEAR = len("2026-")


def shorten_time(time: str, today: str) -> str:
    """Return a time of RFC 3339 (UTC) in this process's own zone. `today` is a day there, as `2026-11-30`."""
    local = output.local_time(time)
    day, minute = local[:_DAY], local[_DAY + 1 : _MINUTE]
    if day == today:
        return minute
    return f"{day[_YEAR:]} {minute}" if day[:_YEAR] == today[:_YEAR] else day


def find_today() -> str:
    """Return the day that it is in this process's own zone."""
    from datetime import UTC, datetime

    return datetime.now(UTC).astimezone().date().isoformat()
